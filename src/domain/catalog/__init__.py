"""What can be bought, and who may buy it when (M20, M21).

A member is told every reason why not, and an order is refused by the first.

    RuleForbids
    ├── CategoryCycle, UnknownParent
    ├── ImpossibleMeasure, ImpossiblePeriod, RepeatedOption
    └── NotForSale          for this member, now; it names the product by its slug
        ├── ProductInactive, VariantInactive
        ├── NotYetLaunched, Discontinued
        ├── OutOfSeason, SeasonOver
        └── LevelTooLow
"""

from .buying import (
    Discontinued,
    LevelTooLow,
    NotForSale,
    NotYetLaunched,
    OutOfSeason,
    ProductInactive,
    SeasonOver,
    VariantInactive,
    check_may_buy,
    is_open,
    next_opening,
    objections,
)
from .records import (
    Allergen,
    Category,
    Dates,
    Dimensions,
    Fulfilment,
    Months,
    NutritionFacts,
    Option,
    Product,
    Season,
    Variant,
)
from .writing import (
    CategoryCycle,
    CategoryWritten,
    ImpossibleMeasure,
    ImpossiblePeriod,
    ProductWritten,
    RepeatedOption,
    UnknownParent,
    VariantWritten,
    Written,
    add_category,
    add_product,
    add_variant,
    amend_category,
    amend_product,
    amend_variant,
    check_tree,
)

__all__ = [
    "Allergen",
    "Category",
    "CategoryCycle",
    "CategoryWritten",
    "Dates",
    "Dimensions",
    "Discontinued",
    "Fulfilment",
    "ImpossibleMeasure",
    "ImpossiblePeriod",
    "LevelTooLow",
    "Months",
    "NotForSale",
    "NotYetLaunched",
    "NutritionFacts",
    "Option",
    "OutOfSeason",
    "Product",
    "ProductInactive",
    "ProductWritten",
    "RepeatedOption",
    "Season",
    "SeasonOver",
    "UnknownParent",
    "Variant",
    "VariantInactive",
    "VariantWritten",
    "Written",
    "add_category",
    "add_product",
    "add_variant",
    "amend_category",
    "amend_product",
    "amend_variant",
    "check_may_buy",
    "check_tree",
    "is_open",
    "next_opening",
    "objections",
]
