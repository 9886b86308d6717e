"""What happened in the demo, by days before its today: who was checked, invested, ordered, sent, and so on.

Steps of one day happen at once; what needs another stands on a later day.
"""

from ...application.payments import Behaviour
from ...domain import shared
from ...domain.fulfillment import CarrierState, Stars
from ...domain.investments.subscriptions import PlanCode
from ...domain.orders import ShippingMethod
from .people import AMBASSADEUR, PROTECTEUR, SUPPORTERS
from .places import (
    CITADEL_HIVES,
    FOREST_HIVES,
    FROST_OLIVES,
    HEDGE_OLIVES,
    HILL_PLOTS,
    LAVENDER_HIVES,
    TAFRAOUT,
)

HUB = "hub"


class Step(shared.Record, kw_only=True):
    """Something that happened `day` days before the demo's today."""

    day: int


class Invests(Step, kw_only=True):
    """A member pays for a share in the sandbox; how that goes is told to it."""

    who: str
    project: str
    goes: Behaviour = "succeeds"
    notes: str = ""


class Checked(Step, kw_only=True):
    """Somebody checked who a member is: they may put in more."""

    who: str


class Withdraws(Step, kw_only=True):
    """A member gives back the share that they bought on another day."""

    who: str
    bought: int


class Orders(Step, kw_only=True):
    """A member orders pieces by SKU. `name` is how later steps call the order."""

    name: str
    who: str
    wants: dict[str, int]
    method: ShippingMethod = "standard"
    to: str = "Namur"
    gift: str = ""


class Cancels(Step, kw_only=True):
    """A member calls an order off."""

    order: str
    reason: str


class Leaves(Step, kw_only=True):
    """A part of an order leaves: from the hub, or from its producer by slug; everything where it is empty."""

    order: str
    sender: str = ""


class Scanned(Step, kw_only=True):
    """A carrier says something of what has left."""

    order: str
    says: CarrierState


class Troubled(Step, kw_only=True):
    """Something went wrong with what has left."""

    order: str
    reason: str


class Arrives(Step, kw_only=True):
    """What has left of an order arrives; the member rates it, or does not."""

    order: str
    stars: Stars | None = None
    feedback: str = ""


class Miscounted(Step, kw_only=True):
    """The shelf holds that many pieces more or fewer of a SKU's oldest batch than the books say."""

    sku: str
    difference: int
    reason: str


class Damaged(Step, kw_only=True):
    """Pieces of a SKU's oldest batch are written off."""

    sku: str
    pieces: int
    reason: str


class Subscribes(Step, kw_only=True):
    """A member subscribes for a year, for some projects in equal parts, and pays."""

    who: str
    plan: PlanCode
    projects: tuple[str, ...]


S = tuple(person.email for person in SUPPORTERS)


def invest_all(day: int, who: tuple[str, ...], project: str) -> tuple[Invests, ...]:
    """Each of them buys a share of the project on that day."""
    return tuple(Invests(day=day, who=one, project=project) for one in who)


def check_all(day: int, who: tuple[str, ...]) -> tuple[Checked, ...]:
    """Each of them is checked on that day."""
    return tuple(Checked(day=day, who=one) for one in who)


def delivered(name: str, day: int, who: str, wants: dict[str, int], to: str = "Namur") -> tuple[Step, ...]:
    """An order of a supporter that went as it should: sent after two days, arrived after five."""
    return (
        Orders(day=day, name=name, who=who, wants=wants, to=to),
        Leaves(day=day - 2, order=name),
        Arrives(day=day - 5, order=name, stars=5),
    )


CHECKING = (
    *check_all(600, S),
    *check_all(585, (PROTECTEUR,)),
    *check_all(515, (AMBASSADEUR,)),
)

INVESTING = (
    Invests(day=580, who=PROTECTEUR, project=CITADEL_HIVES, notes="The one next to the wall, if I may."),
    *invest_all(575, S[:10], CITADEL_HIVES),
    Invests(day=510, who=PROTECTEUR, project=FROST_OLIVES),
    *invest_all(505, S[4:11], FROST_OLIVES),
    Invests(day=500, who=AMBASSADEUR, project=HILL_PLOTS),
    *invest_all(410, S[:6], HILL_PLOTS),
    *invest_all(380, S[2:12], HEDGE_OLIVES),
    Invests(day=300, who=AMBASSADEUR, project=CITADEL_HIVES),
    *invest_all(280, S[:7], FOREST_HIVES),
    Invests(day=250, who=AMBASSADEUR, project=HEDGE_OLIVES, goes="repeats"),
    Invests(day=215, who=PROTECTEUR, project=HILL_PLOTS, goes="fails"),
    Invests(day=200, who=AMBASSADEUR, project=FOREST_HIVES, goes="late"),
    *invest_all(120, S[6:12], LAVENDER_HIVES),
    Invests(day=60, who=PROTECTEUR, project=FOREST_HIVES),
    Invests(day=35, who=PROTECTEUR, project=LAVENDER_HIVES),
    Withdraws(day=30, who=PROTECTEUR, bought=35),
)

OF_THE_PROTECTEUR = (
    Orders(
        day=480,
        name="first",
        who=PROTECTEUR,
        wants={"NAM-SPRING-250": 2, "NYO-OIL-25": 1, "NYO-SOAP-100": 2},
    ),
    Leaves(day=478, order="first"),
    Scanned(day=477, order="first", says="out_for_delivery"),
    Arrives(day=476, order="first", stars=5, feedback="All of it whole, and a note from the growers."),
    Orders(day=202, name="second-thoughts", who=PROTECTEUR, wants={"NAM-MEADOW-1000": 1, "ANT-VAN-3": 2}),
    Cancels(day=201, order="second-thoughts", reason="Ordered twice by mistake."),
    Orders(
        day=20,
        name="candles",
        who=PROTECTEUR,
        wants={"NYO-LAV-250": 1, "NAM-CANDLE-2": 1, "NYO-TILLEUL-40": 1},
    ),
    Leaves(day=18, order="candles"),
    Arrives(day=15, order="candles", stars=4),
    Orders(
        day=1,
        name="open",
        who=PROTECTEUR,
        wants={"NAM-GINGER-350": 2, "NAM-SPRING-250": 1, "NYO-SOAP-300": 1},
        gift="For the kitchen of the citadel.",
    ),
)

OF_THE_AMBASSADEUR = (
    Orders(
        day=230,
        name="feast",
        who=AMBASSADEUR,
        wants={"ANT-PEPPER-50": 2, "ANT-VAN-10": 1, "AST-BARB-75": 3},
        to="Lyon",
    ),
    Leaves(day=228, order="feast"),
    Arrives(day=225, order="feast", stars=4, feedback="One label was torn."),
    Orders(day=110, name="harvest", who=AMBASSADEUR, wants={"NYO-DAY-2": 1}, to="Lyon", method="express"),
    Leaves(day=109, order="harvest"),
    Arrives(day=108, order="harvest", stars=5),
    Orders(
        day=8,
        name="winter",
        who=AMBASSADEUR,
        wants={"UBE-OIL-50": 2, "NYO-TAP-180": 2, "TAF-AMLOU-190": 1, "NYO-SOAP-100": 1},
        to="Lyon",
    ),
    Leaves(day=7, order="winter", sender=HUB),
    Leaves(day=6, order="winter", sender=TAFRAOUT),
    Arrives(day=4, order="winter"),
)

OF_SUPPORTERS = (
    *delivered("pepper-1", 240, S[0], {"ANT-PEPPER-50": 2, "ANT-CLOVE-50": 1}, to="Lyon"),
    *delivered("pepper-2", 235, S[1], {"ANT-PEPPER-50": 2, "ANT-CINN-60": 1}),
    *delivered("oil", 130, S[5], {"NYO-OIL-50": 2, "NYO-BLACK-200": 1}, to="Lyon"),
    *delivered("wine", 100, S[2], {"AST-BARB-75": 6}, to="Lyon"),
    *delivered("honeys", 90, S[7], {"NAM-SPRING-250": 3, "NYO-LAV-250": 2, "ANT-FOREST-250": 1}),
    *delivered("house", 40, S[8], {"NAM-CANDLE-2": 2, "NAM-BALM-30": 1, "TAF-ARGAN-25": 1}),
    Orders(day=12, name="lost-way", who=S[9], wants={"NYO-LAV-500": 1, "NAM-LIME-250": 1}),
    Leaves(day=11, order="lost-way"),
    Troubled(day=9, order="lost-way", reason="The carrier could not find the house number."),
    Orders(day=2, name="pickup", who=S[3], wants={"UBE-FIG-400": 2, "AST-JUICE-100": 3}, method="pickup"),
)

AROUND = (
    Subscribes(day=190, who=AMBASSADEUR, plan="ambassadeur_standard", projects=(CITADEL_HIVES, HILL_PLOTS)),
    Damaged(day=160, sku="NAM-CANDLE-2", pieces=2, reason="Broken in the heat of the storeroom."),
    Miscounted(day=75, sku="ANT-CLOVE-50", difference=-1, reason="Counted on the shelf."),
)

STORY: tuple[Step, ...] = (
    *CHECKING,
    *INVESTING,
    *OF_THE_PROTECTEUR,
    *OF_THE_AMBASSADEUR,
    *OF_SUPPORTERS,
    *AROUND,
)
