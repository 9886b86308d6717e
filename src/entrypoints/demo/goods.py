"""How the demo's shop is written down: branches, goods, their sizes and what was delivered of them."""

from ...domain import shared
from ...domain.catalog import Allergen, Fulfilment, Months, NutritionFacts
from ...domain.identity import Level


class Branch(shared.Record):
    """A category, below the branch of slug `parent` where it has one."""

    slug: str
    name: str
    description: str
    parent: str = ""


class Size(shared.Record):
    """A variant: its price in points, its packed weight in grams."""

    sku: str
    name: str
    points: int
    grams: int


class Delivery(shared.Record):
    """A batch of a SKU: it came `arrived` days before the demo's today, and is good for `good_for` days
    more, counted from today; without end where that is None."""

    sku: str
    pieces: int
    cost_cents: int
    arrived: int
    good_for: int | None = None


class Coming(shared.Record):
    """A window that comes once, in days after the demo's today."""

    opens_in: int
    closes_in: int


class Good(shared.Record, kw_only=True):
    """A product; its category and producer by slug, its dates in days after the demo's today."""

    slug: str
    name: str
    category: str
    producer: str
    origin: str
    text: str
    sizes: tuple[Size, ...]
    deliveries: tuple[Delivery, ...] = ()
    seasons: tuple[Months | Coming, ...] = ()
    level: Level = "explorateur"
    nutrition: NutritionFacts | None = None
    allergens: tuple[Allergen, ...] = ()
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    commission_bp: int | None = None
    hero: bool = False
    featured: bool = False
    launches_in: int | None = None
    ends_in: int | None = None

    @property
    def fulfilment(self) -> Fulfilment:
        """What was ever delivered to the micro-hub is sent from there; the producer sends the rest."""
        return "stock" if self.deliveries else "dropship"


BRANCHES = (
    Branch("pantry", "Pantry", "What keeps, and tastes of a place."),
    Branch("cellar", "Cellar", "Wine, juice, vinegar and leaves for tea."),
    Branch("fresh", "Fresh", "Picked to order, for as long as the season lasts."),
    Branch("house", "House and garden", "Wax, soap and wood."),
    Branch("days", "Days together", "Harvests and workshops, where the producers are."),
    Branch("honey", "Honey", "From hives that members support.", "pantry"),
    Branch("olives", "Olives and oil", "Pressed cold, within a day of the harvest.", "pantry"),
    Branch("sweets", "Sweets and spreads", "Baked, stirred and cooked in small lots.", "pantry"),
    Branch("spices", "Spices", "Vanilla, pepper, saffron: whole, and of this harvest.", "pantry"),
    Branch("nuts", "Nuts and dried fruit", "Hazelnuts, almonds, figs.", "pantry"),
    Branch("wine", "Wine and mead", "From plots that are worked by hand.", "cellar"),
    Branch("juice", "Juice and vinegar", "Nothing added.", "cellar"),
    Branch("infusions", "Infusions", "Flowers and leaves, dried in the shade.", "cellar"),
    Branch("fruit", "Fruit", "Sent by the grower on the day it is picked.", "fresh"),
    Branch("care", "Soap and care", "From the oils that we also eat.", "house"),
    Branch("wax", "Wax and candles", "What the bees leave when the honey is gone.", "house"),
    Branch("wood", "Wood and garden", "From prunings and wild seed.", "house"),
)

# Per 100 g, or 100 ml of what is poured: kJ and kcal; then fat, saturates, carbohydrate, sugars, protein and
# salt in milligrams, and fibre where it is declared.
HONEY = NutritionFacts(1_360, 320, 0, 0, 80_000, 80_000, 300, 10)
POLLEN = NutritionFacts(1_250, 298, 6_000, 2_000, 40_000, 32_000, 21_000, 20)
OIL = NutritionFacts(3_389, 824, 91_600, 13_000, 0, 0, 0, 0, per="100ml")
ARGAN = NutritionFacts(3_389, 824, 91_600, 16_500, 0, 0, 0, 0, per="100ml")
OLIVES = NutritionFacts(950, 230, 24_000, 3_500, 2_000, 0, 1_500, 5_000, 3_000)
TAPENADE = NutritionFacts(1_120, 272, 28_000, 4_000, 3_000, 500, 2_000, 4_000)
GINGERBREAD = NutritionFacts(1_390, 328, 2_500, 600, 71_000, 38_000, 5_000, 600, 2_000)
JAM = NutritionFacts(984, 232, 200, 0, 57_000, 55_000, 500, 20)
HAZELNUTS = NutritionFacts(2_700, 655, 62_000, 4_500, 7_000, 4_300, 15_000, 10, 9_700)
HAZELNUT_SPREAD = NutritionFacts(2_252, 540, 36_000, 6_000, 45_000, 42_000, 9_000, 100)
ALMONDS = NutritionFacts(2_560, 620, 53_000, 4_000, 8_000, 4_500, 21_000, 10, 12_000)
AMLOU = NutritionFacts(2_470, 594, 50_000, 6_000, 22_000, 18_000, 14_000, 20)
FIGS = NutritionFacts(1_150, 273, 900, 100, 58_000, 48_000, 3_300, 20, 9_800)
JUICE = NutritionFacts(282, 66, 0, 0, 16_000, 15_800, 300, 10, per="100ml")
