"""Categories, products and variants.

They are reference records: people edit them, so each carries a `version`. Values that a client sends as they
are (options, dimensions, seasons, nutrition) refuse unknown fields.
"""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from .. import identity, shared

Fulfilment = Literal["stock", "dropship"]
Month = Literal[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
Allergen = Literal[
    "gluten",
    "crustaceans",
    "eggs",
    "fish",
    "peanuts",
    "soybeans",
    "milk",
    "nuts",
    "celery",
    "mustard",
    "sesame",
    "sulphites",
    "lupin",
    "molluscs",
]
"""The fourteen of Regulation (EU) No 1169/2011, annex II."""


class Months(shared.Record, tag="months", forbid_unknown_fields=True):
    """A window that comes back every year: whole months, both included; from 11 to 2 it wraps it."""

    opens: Month
    closes: Month


class Dates(shared.Record, tag="dates", forbid_unknown_fields=True):
    """A window that comes once: both days included."""

    opens: date
    closes: date


Season = Months | Dates


class NutritionFacts(shared.Record, forbid_unknown_fields=True):
    """The mandatory declaration of Regulation (EU) No 1169/2011, article 30, per 100 g or 100 ml.

    Energy in kJ and kcal, everything else in milligrams.
    """

    energy_kj: int
    energy_kcal: int
    fat_mg: int
    saturates_mg: int
    carbohydrate_mg: int
    sugars_mg: int
    protein_mg: int
    salt_mg: int
    fibre_mg: int | None = None
    per: Literal["100g", "100ml"] = "100g"


class Option(shared.Record, forbid_unknown_fields=True):
    """One choice that sets a variant apart: `size` is `250 g`."""

    name: shared.Name
    value: shared.Name


class Dimensions(shared.Record, forbid_unknown_fields=True):
    """The packed size, in millimetres."""

    length_mm: int
    width_mm: int
    height_mm: int


class Category(shared.Record):
    """A branch of the category tree; siblings stand by `sort_order`, then name."""

    id: UUID
    slug: str
    name: str
    created_at: datetime
    description: str = ""
    parent_id: UUID | None = None
    sort_order: int = 0
    active: bool = True
    version: int = 1


class Product(shared.Record):
    """What is offered. No season means all year; a discontinued product is not sold from that day on.

    `commission_bp` overrides the producer's own rate (M36).
    """

    id: UUID
    slug: str
    name: str
    category_id: UUID
    producer_id: UUID
    fulfilment: Fulfilment
    created_at: datetime
    short_description: str = ""
    description: str = ""
    hero: bool = False
    images: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    nutrition: NutritionFacts | None = None
    allergens: tuple[Allergen, ...] = ()
    certifications: tuple[str, ...] = ()
    origin_country: str | None = None
    seasons: tuple[Season, ...] = ()
    minimum_level: identity.Level = "explorateur"
    commission_bp: int | None = None
    featured: bool = False
    active: bool = True
    launch_date: date | None = None
    discontinue_date: date | None = None
    version: int = 1


class Variant(shared.Record):
    """What is counted, priced (whole points) and weighed (packed, one piece): one row for each SKU."""

    id: UUID
    product_id: UUID
    sku: str
    name: str
    price_points: int
    weight_grams: int
    created_at: datetime
    options: tuple[Option, ...] = ()
    dimensions: Dimensions | None = None
    active: bool = True
    version: int = 1
