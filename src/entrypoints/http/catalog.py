"""The shop window over HTTP."""

from uuid import UUID

from ...application import catalog
from ...application.catalog import CategoryView, ProductCard, ProductDetails, ProductView, VariantView
from ...application.pages import Limit, Page, Reference
from ...domain import shared
from ...domain.catalog import Fulfilment
from .ask import Ask
from .routes import ADMINS, ANYONE, get, post, put


@get("/categories", allow=ANYONE, statuses=())
async def list_categories(ask: Ask) -> Page[CategoryView]:
    """List the whole tree of categories, parents before their children, siblings in their order."""
    return await ask.read(catalog.categories, catalog.ListCategories())


@post("/categories", allow=ADMINS)
async def add_category(data: catalog.NewCategory, ask: Ask) -> CategoryView:
    """Add a category (administrators)."""
    return await ask(catalog.add_category, data)


@put("/categories/{category_id:uuid}", allow=ADMINS)
async def amend_category(category_id: UUID, data: catalog.CategoryRevision, ask: Ask) -> CategoryView:
    """Replace or move a category (administrators)."""
    command = shared.recast(catalog.AmendCategory, data, category_id=category_id)
    return await ask(catalog.amend_category, command)


@get("/products", allow=ANYONE, statuses=())
async def list_products(
    ask: Ask,
    category_id: UUID | None = None,
    producer_id: UUID | None = None,
    tag: shared.Name | None = None,
    certification: shared.Name | None = None,
    fulfilment: Fulfilment | None = None,
    featured: bool | None = None,
    min_points: shared.Price | None = None,
    max_points: shared.Price | None = None,
    available_now: bool = False,
    active: bool | None = None,
    limit: Limit = 25,
    cursor: str | None = None,
) -> Page[ProductCard]:
    """List products, newest first: of a category with all below it, or only what one may buy now."""
    question = catalog.ListProducts(
        category_id=category_id,
        producer_id=producer_id,
        tag=tag,
        certification=certification,
        fulfilment=fulfilment,
        featured=featured,
        min_points=min_points,
        max_points=max_points,
        available_now=available_now,
        active=active,
        limit=limit,
        cursor=cursor,
    )
    return await ask.read(catalog.products, question)


@get("/products/{product_id:str}", allow=ANYONE)
async def show_product(product_id: Reference, ask: Ask) -> ProductDetails:
    """Read a product by its id or a slug: what one may buy of it now, and every reason why not."""
    return await ask.read(catalog.product, catalog.GetProduct(reference=product_id))


@post("/products", allow=ADMINS)
async def add_product(data: catalog.NewProduct, ask: Ask) -> ProductView:
    """Add a product (administrators)."""
    return await ask(catalog.add_product, data)


@put("/products/{product_id:uuid}", allow=ADMINS)
async def amend_product(product_id: UUID, data: catalog.ProductRevision, ask: Ask) -> ProductView:
    """Replace a product (administrators)."""
    return await ask(catalog.amend_product, shared.recast(catalog.AmendProduct, data, product_id=product_id))


@post("/products/{product_id:uuid}/variants", allow=ADMINS)
async def add_variant(product_id: UUID, data: catalog.VariantFacts, ask: Ask) -> VariantView:
    """Add a variant to a product (administrators)."""
    return await ask(catalog.add_variant, shared.recast(catalog.NewVariant, data, product_id=product_id))


@put("/products/{product_id:uuid}/variants/{variant_id:uuid}", allow=ADMINS)
async def amend_variant(
    product_id: UUID, variant_id: UUID, data: catalog.VariantRevision, ask: Ask
) -> VariantView:
    """Replace a variant of a product (administrators)."""
    command = shared.recast(catalog.AmendVariant, data, product_id=product_id, variant_id=variant_id)
    return await ask(catalog.amend_variant, command)


HANDLERS = [
    list_categories,
    add_category,
    amend_category,
    list_products,
    show_product,
    add_product,
    amend_product,
    add_variant,
    amend_variant,
]
