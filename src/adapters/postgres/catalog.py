"""The catalog in PostgreSQL: reference tables. A slug or SKU is a small one that names its owner."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
)

from ...application import catalog as app
from ...application.catalog import Sought
from ...domain import catalog, identity
from ...domain.catalog import Category, Product, Variant
from .database import Database
from .partners import producer
from .rows import LAST_ID, Statement, Stored
from .schema import Int, Json, Time, Uuid, field, holds, one_of, table

category = table(
    "category",
    "reference",
    field("id", Uuid, primary_key=True),
    field("slug", Text),
    field("name", Text),
    field("created_at", Time),
    field("description", Text),
    field("parent_id", Uuid, ForeignKey("baobab.category.id"), nullable=True),
    field("sort_order", Integer),
    field("active", Boolean),
    field("version", Integer),
    holds("parent_id", "parent_id <> id"),
)
category_slug = table(
    "category_slug",
    "reference",
    field("slug", Text, primary_key=True),
    field("category_id", Uuid, ForeignKey(category.c.id)),
)
product = table(
    "product",
    "reference",
    field("id", Uuid, primary_key=True),
    field("slug", Text),
    field("name", Text),
    field("category_id", Uuid, ForeignKey(category.c.id)),
    field("producer_id", Uuid, ForeignKey(producer.c.id)),
    field("fulfilment", Text),
    field("created_at", Time),
    field("short_description", Text),
    field("description", Text),
    field("hero", Boolean),
    field("images", Json),
    field("tags", Json),
    field("nutrition", Json, nullable=True),
    field("allergens", Json),
    field("certifications", Json),
    field("origin_country", Text, nullable=True),
    field("seasons", Json),
    field("minimum_level", Text),
    field("commission_bp", Integer, nullable=True),
    field("featured", Boolean),
    field("active", Boolean),
    field("launch_date", Date, nullable=True),
    field("discontinue_date", Date, nullable=True),
    field("version", Integer),
    one_of("fulfilment", catalog.Fulfilment),
    one_of("minimum_level", identity.Level),
    holds("commission_bp", "commission_bp between 0 and 10000"),
    holds("discontinue_date", "discontinue_date >= launch_date"),
)
Index("product_category_id_idx", product.c.category_id, product.c.id)
Index("product_producer_id_idx", product.c.producer_id, product.c.id)
product_slug = table(
    "product_slug",
    "reference",
    field("slug", Text, primary_key=True),
    field("product_id", Uuid, ForeignKey(product.c.id)),
)
variant = table(
    "variant",
    "reference",
    field("id", Uuid, primary_key=True),
    field("product_id", Uuid, ForeignKey(product.c.id)),
    field("sku", Text),
    field("name", Text),
    field("price_points", Int),
    field("weight_grams", Int),
    field("created_at", Time),
    field("options", Json),
    field("dimensions", Json, nullable=True),
    field("active", Boolean),
    field("version", Integer),
    holds("price_points", "price_points >= 0"),
    holds("weight_grams", "weight_grams >= 0"),
)
Index("variant_product_id_idx", variant.c.product_id)
sku = table(
    "sku",
    "reference",
    field("sku", Text, primary_key=True),
    field("product_id", Uuid, ForeignKey(product.c.id)),
    field("variant_id", Uuid, ForeignKey(variant.c.id)),
)

CATEGORIES = Stored(app.CATEGORIES, category)
PRODUCTS = Stored(app.PRODUCTS, product)
VARIANTS = Stored(app.VARIANTS, variant)
STORED = (
    CATEGORIES,
    Stored(app.CATEGORY_SLUGS, category_slug),
    PRODUCTS,
    Stored(app.PRODUCT_SLUGS, product_slug),
    VARIANTS,
    Stored(app.SKUS, sku),
)

_CATEGORY, _PRODUCER = bindparam("category_id", type_=Uuid), bindparam("producer_id", type_=Uuid)
_TAG, _CERTIFICATION = bindparam("tag", type_=Text), bindparam("certification", type_=Text)
_FULFILMENT = bindparam("fulfilment", type_=Text)
_FEATURED, _ACTIVE = bindparam("featured", type_=Boolean), bindparam("active", type_=Boolean)
_LEAST, _MOST = bindparam("min_points", type_=Int), bindparam("max_points", type_=Int)
_NOW, _TODAY = bindparam("now", type_=Boolean), bindparam("today", type_=Date)
_LEVELS = bindparam("levels", type_=ARRAY(Text))
_STOCKED = bindparam("stocked", type_=ARRAY(Uuid))

_root = select(category.c.id).where(category.c.id == _CATEGORY).cte("subtree", recursive=True)
_subtree = _root.union(select(category.c.id).join(_root, category.c.parent_id == _root.c.id))
_fitting_variant = exists().where(
    variant.c.product_id == product.c.id,
    variant.c.active,
    or_(_LEAST.is_(None), variant.c.price_points >= _LEAST),
    or_(_MOST.is_(None), variant.c.price_points <= _MOST),
    or_(not_(_NOW), product.c.fulfilment == "dropship", variant.c.id == any_(_STOCKED)),
)
_season = func.jsonb_array_elements(product.c.seasons, type_=Json).column_valued("season")
_opens, _closes = _season["opens"].astext, _season["closes"].astext
_first, _last, _month = cast(_opens, Integer), cast(_closes, Integer), func.extract("month", _TODAY)
_open_season = exists().where(
    case(
        (_season["type"].astext == "dates", _TODAY.between(cast(_opens, Date), cast(_closes, Date))),
        (_first <= _last, _month.between(_first, _last)),
        else_=or_(_month >= _first, _month <= _last),
    )
)
_for_sale = and_(
    product.c.active,
    or_(product.c.launch_date.is_(None), product.c.launch_date <= _TODAY),
    or_(product.c.discontinue_date.is_(None), product.c.discontinue_date > _TODAY),
    product.c.minimum_level == any_(_LEVELS),
    or_(func.jsonb_array_length(product.c.seasons) == 0, _open_season),
)
"""`catalog.MAY_BUY` of a product, in SQL; the contract tests compare the two."""

_CATEGORIES = Statement(select(*CATEGORIES.columns))
_PRODUCT = Statement(select(*PRODUCTS.columns).where(product.c.id == bindparam("product_id", type_=Uuid)))
_OF_SLUG = Statement(
    select(*PRODUCTS.columns)
    .select_from(product_slug.join(product, product.c.id == product_slug.c.product_id))
    .where(product_slug.c.slug == bindparam("slug", type_=Text))
)
_PRODUCTS = Statement(
    select(*PRODUCTS.columns)
    .where(
        product.c.id < bindparam("before", type_=Uuid),
        or_(_CATEGORY.is_(None), product.c.category_id.in_(select(_subtree.c.id))),
        or_(_PRODUCER.is_(None), product.c.producer_id == _PRODUCER),
        or_(_TAG.is_(None), product.c.tags.has_key(_TAG)),
        or_(_CERTIFICATION.is_(None), product.c.certifications.has_key(_CERTIFICATION)),
        or_(_FULFILMENT.is_(None), product.c.fulfilment == _FULFILMENT),
        or_(_FEATURED.is_(None), product.c.featured == _FEATURED),
        or_(_ACTIVE.is_(None), product.c.active == _ACTIVE),
        or_(not_(_NOW), _for_sale),
        or_(and_(_LEAST.is_(None), _MOST.is_(None), not_(_NOW)), _fitting_variant),
    )
    .order_by(product.c.id.desc())
    .limit(bindparam("limit", type_=Int))
)
_VARIANTS = Statement(
    select(*VARIANTS.columns)
    .where(variant.c.product_id == any_(bindparam("product_ids", type_=ARRAY(Uuid))))
    .order_by(variant.c.price_points, variant.c.id)
)


class CatalogQueries:
    """The read side of catalog on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def categories(self) -> list[Category]:
        return [CATEGORIES.record(row) for row in await self._database.all(_CATEGORIES)]

    async def product(self, product_id: UUID) -> Product | None:
        row = await self._database.one(_PRODUCT, product_id=product_id)
        return PRODUCTS.record(row) if row else None

    async def product_of_slug(self, slug: str) -> Product | None:
        row = await self._database.one(_OF_SLUG, slug=slug)
        return PRODUCTS.record(row) if row else None

    async def products(self, sought: Sought, limit: int, before: UUID | None) -> list[Product]:
        buyer = sought.buyer
        plain = {name: getattr(sought, name) for name in Sought.__struct_fields__ if name != "buyer"}
        rows = await self._database.all(
            _PRODUCTS,
            **plain,
            limit=limit,
            before=before or LAST_ID,
            now=buyer is not None,
            today=buyer and buyer.today,
            levels=buyer and identity.LEVELS[: identity.LEVELS.index(buyer.level) + 1],
            stocked=buyer and buyer.stocked,
        )
        return [PRODUCTS.record(row) for row in rows]

    async def variants(self, product_ids: Sequence[UUID]) -> list[Variant]:
        rows = await self._database.all(_VARIANTS, product_ids=product_ids)
        return [VARIANTS.record(row) for row in rows]
