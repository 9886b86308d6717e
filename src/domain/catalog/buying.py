"""Who may buy what today, and why not (M21).

A day is a day in the shop's zone: the caller names the zone when it makes `today`.
"""

from collections.abc import Iterable
from datetime import date

from .. import identity, shared
from .records import Dates, Product, Season, Variant


class NotForSale(shared.RuleForbids):
    """A member may not buy this now; each kind of it says why."""

    message = "{product} is not for sale."
    product: str


class ProductInactive(NotForSale):
    message = "{product} is not on offer."


class NotYetLaunched(NotForSale):
    message = "{product} is on sale from {launches}."
    launches: date


class Discontinued(NotForSale):
    message = "{product} is not sold any more since {since}."
    since: date


class VariantInactive(NotForSale):
    message = "{sku} of {product} is not on offer."
    sku: str


class OutOfSeason(NotForSale):
    message = "{product} is out of season; its season opens on {opens}."
    opens: date


class SeasonOver(NotForSale):
    message = "{product} is out of season, and no other season is planned."


class LevelTooLow(NotForSale):
    message = "{product} is for members from level {needed}; yours is {level}."
    needed: identity.Level
    level: identity.Level


def is_open(season: Season, day: date) -> bool:
    """Whether the window is open on that day."""
    if isinstance(season, Dates):
        return season.opens <= day <= season.closes
    if season.opens <= season.closes:
        return season.opens <= day.month <= season.closes
    return day.month >= season.opens or day.month <= season.closes


def next_opening(seasons: Iterable[Season], day: date) -> date | None:
    """The first day after `day` on which a window opens; None when none ever does."""
    return min(
        (opens for season in seasons if (opens := _opens_after(season, day)) is not None), default=None
    )


def _opens_after(season: Season, day: date) -> date | None:
    if isinstance(season, Dates):
        return season.opens if season.opens > day else None
    this_year = date(day.year, season.opens, 1)
    return this_year if this_year > day else date(day.year + 1, season.opens, 1)


class Purchase(shared.Record):
    """Who wants to buy what, and on which day."""

    product: Product
    variant: Variant
    level: identity.Level
    today: date


def the_product_is_active(wish: Purchase) -> NotForSale | None:
    return None if wish.product.active else ProductInactive(product=wish.product.slug)


def the_sale_has_begun(wish: Purchase) -> NotForSale | None:
    launches = wish.product.launch_date
    if launches is None or launches <= wish.today:
        return None
    return NotYetLaunched(product=wish.product.slug, launches=launches)


def the_sale_has_not_ended(wish: Purchase) -> NotForSale | None:
    since = wish.product.discontinue_date
    if since is None or wish.today < since:
        return None
    return Discontinued(product=wish.product.slug, since=since)


def the_variant_is_active(wish: Purchase) -> NotForSale | None:
    if wish.variant.active:
        return None
    return VariantInactive(product=wish.product.slug, sku=wish.variant.sku)


def a_season_is_open(wish: Purchase) -> NotForSale | None:
    product = wish.product
    if not product.seasons or any(is_open(season, wish.today) for season in product.seasons):
        return None
    opens = next_opening(product.seasons, wish.today)
    return (
        SeasonOver(product=product.slug) if opens is None else OutOfSeason(product=product.slug, opens=opens)
    )


def the_level_is_reached(wish: Purchase) -> NotForSale | None:
    needed = wish.product.minimum_level
    if identity.at_least(wish.level, needed):
        return None
    return LevelTooLow(product=wish.product.slug, needed=needed, level=wish.level)


MAY_BUY = (
    the_product_is_active,
    the_sale_has_begun,
    the_sale_has_not_ended,
    the_variant_is_active,
    a_season_is_open,
    the_level_is_reached,
)
"""What must hold for a member to buy a variant today."""


def objections(product: Product, variant: Variant, level: identity.Level, today: date) -> list[NotForSale]:
    """Every reason why this member may not buy it today; none means that they may (M21)."""
    wish = Purchase(product=product, variant=variant, level=level, today=today)
    return shared.collect(MAY_BUY, wish)


def check_may_buy(product: Product, variant: Variant, level: identity.Level, today: date) -> None:
    """Raise the first of the `objections`, when there is one."""
    for objection in objections(product, variant, level, today):
        raise objection
