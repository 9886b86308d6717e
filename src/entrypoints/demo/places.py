"""Who produces, and what members can pay for: real places, producers named after them."""

from ...application.partners import RegisterProducer
from ...domain import projects, shared
from ...domain.partners import Capacity, Contact
from ...domain.projects import ImpactMetrics
from ...domain.shared import Address, Place

NAMUR, NYONS, ASTI, UBEDA, TAFRAOUT, ANTALAHA = (
    "rucher-cooperatif-de-namur",
    "oliveraie-partagee-de-nyons",
    "vigne-comuni-di-asti",
    "olivar-comunitario-de-ubeda",
    "arganeraie-commune-de-tafraout",
    "vanille-et-ruches-d-antalaha",
)

PRODUCERS = (
    RegisterProducer(
        slug=NAMUR,
        name="Rucher coopératif de Namur",
        type="beekeeper",
        place=Place(50.4617, 4.8622, "Wallonie", "BE"),
        address=Address("Route Merveilleuse", "Namur", "5000", "BE"),
        description="Beekeepers who share one honey house below the citadel of Namur.",
        story="It began with six hives on the ramparts. Today the bees fly over the gardens, orchards and "
        "lime trees where the Sambre meets the Meuse, and whoever supports a hive may come to the harvest.",
        contact=Contact(email="namur@example.org", website="https://example.org/namur"),
        certifications=("bio",),
        specialities=("spring honey", "lime blossom honey", "beeswax"),
        capacity=Capacity(hives=140),
        partnership_type="exclusive",
        commission_bp=1_200,
    ),
    RegisterProducer(
        slug=NYONS,
        name="Oliveraie partagée de Nyons",
        type="olive_grower",
        place=Place(44.3606, 5.1406, "Drôme", "FR"),
        address=Address("Place des Arcades", "Nyons", "26110", "FR"),
        description="Growers of the Tanche olive, the black olive that ripens in the frosts of Nyons.",
        story="The great frost of 1956 took most of the trees. Those that grew again from the stump are "
        "pruned together each spring, and pressed together from December on.",
        contact=Contact(email="nyons@example.org", website="https://example.org/nyons"),
        certifications=("bio", "aop"),
        specialities=("Tanche olives", "olive oil", "lavender honey"),
        capacity=Capacity(trees=2_300, hives=30, area_m2=110_000),
        partnership_type="premium",
    ),
    RegisterProducer(
        slug=ASTI,
        name="Vigne comuni di Asti",
        type="winery",
        place=Place(44.9000, 8.2069, "Piemonte", "IT"),
        address=Address("Piazza Alfieri", "Asti", "14100", "IT"),
        description="Families who keep the steep plots of Barbera and Moscato that machines cannot work.",
        story="Between the rows grow clover and beans, and hazels stand on the slopes that face north. "
        "Each plot keeps the name it had in the land register of 1860.",
        contact=Contact(email="asti@example.org", website="https://example.org/asti"),
        certifications=("bio",),
        specialities=("Barbera d'Asti", "Moscato", "hazelnuts"),
        capacity=Capacity(trees=900, area_m2=160_000),
        commission_bp=1_800,
        payment_terms_days=45,
    ),
    RegisterProducer(
        slug=UBEDA,
        name="Olivar comunitario de Úbeda",
        type="olive_grower",
        place=Place(38.0114, -3.3711, "Andalucía", "ES"),
        address=Address("Plaza Vázquez de Molina", "Úbeda", "23400", "ES"),
        description="Picual olives between planted hedges, on the hills above the Guadalquivir.",
        story="Where olive trees stand as far as one can see, nothing else lived. So hedges of rosemary and "
        "mastic were planted, the ground is left green, and the birds came back.",
        contact=Contact(email="ubeda@example.org", website="https://example.org/ubeda"),
        certifications=("bio", "demeter"),
        specialities=("Picual oil", "green olives", "olive wood"),
        capacity=Capacity(trees=5_200, area_m2=480_000),
    ),
    RegisterProducer(
        slug=TAFRAOUT,
        name="Arganeraie commune de Tafraout",
        type="cooperative",
        place=Place(29.7211, -8.9751, "Souss-Massa", "MA"),
        address=Address("Route de Tiznit", "Tafraout", "85450", "MA"),
        description="A cooperative of the Anti-Atlas: argan, almonds, thyme honey and saffron.",
        story="Argan nuts are cracked by hand, between two stones. The cooperative buys them at a price "
        "that is fixed in spring, before anybody knows the harvest.",
        contact=Contact(email="tafraout@example.org", website="https://example.org/tafraout"),
        certifications=("fair-trade",),
        specialities=("argan oil", "amlou", "thyme honey"),
        capacity=Capacity(hives=85, trees=1_400),
        commission_bp=1_000,
        payment_terms_days=15,
    ),
    RegisterProducer(
        slug=ANTALAHA,
        name="Vanille et ruches d'Antalaha",
        type="cooperative",
        place=Place(-14.9003, 50.2788, "Sava", "MG"),
        address=Address("Route de Sambava", "Antalaha", "206", "MG"),
        description="Vanilla growers who keep bees where the fields end and the forest begins.",
        story="A vanilla flower opens for one morning and is pollinated by hand. The hives earn in the other "
        "eleven months, and make the standing forest worth more than the felled one.",
        contact=Contact(email="antalaha@example.org", website="https://example.org/antalaha"),
        certifications=("bio", "fair-trade"),
        specialities=("bourbon vanilla", "forest honey", "spices"),
        capacity=Capacity(hives=210, area_m2=350_000),
        partnership_type="premium",
        commission_bp=1_000,
        payment_terms_days=15,
    ),
)


class Site(shared.Record, kw_only=True):
    """A project to be drafted: its producer by slug, its dates in days before the demo's today."""

    slug: str
    name: str
    producer: str
    type: projects.ProjectType
    place: Place
    address: Address
    target_cents: int
    description: str
    long_description: str = ""
    launched: int
    matures_in: int = 1_800
    status: projects.ProjectStatus = "active"
    funding_policy: projects.FundingPolicy = "refuse"
    ceiling_cents: int = 0
    labels: tuple[str, ...] = ()
    impact_metrics: ImpactMetrics = ImpactMetrics()
    featured: bool = False


CITADEL_HIVES, FOREST_HIVES, LAVENDER_HIVES, ARGAN_HIVES = (
    "hives-below-the-citadel",
    "hives-at-the-edge-of-the-forest",
    "hives-in-the-lavender",
    "hives-among-the-argan-trees",
)
FROST_OLIVES, HEDGE_OLIVES, HILL_PLOTS = (
    "olive-trees-that-came-back",
    "hedges-between-the-olive-trees",
    "family-plots-on-the-hills",
)

SITES = (
    Site(
        slug=CITADEL_HIVES,
        name="Hives below the citadel",
        producer=NAMUR,
        type="beehive",
        place=Place(50.4586, 4.8575, "Wallonie", "BE"),
        address=Address("Citadelle", "Namur", "5000", "BE"),
        target_cents=300_000,
        description="Sixty hives on the terraces of the citadel of Namur.",
        long_description="Each share pays for a hive with its colony, and for the wild flowers that are sown "
        "around it. The hives are visited every ten days from April to August.",
        launched=600,
        labels=("bio",),
        impact_metrics=ImpactMetrics(co2_kg_per_year=120, species_protected=34, area_m2=45_000),
        featured=True,
    ),
    Site(
        slug=FROST_OLIVES,
        name="Olive trees that came back",
        producer=NYONS,
        type="olive_tree",
        place=Place(44.3712, 5.1299, "Drôme", "FR"),
        address=Address("Chemin des Oliviers", "Nyons", "26110", "FR"),
        target_cents=64_000,
        description="Eight old Tanche olive trees on dry stone terraces above Nyons.",
        long_description="The walls are rebuilt without mortar, so that lizards and lavender return to them; "
        "the trees are pruned as they were before the frost.",
        launched=590,
        labels=("bio", "aop"),
        impact_metrics=ImpactMetrics(co2_kg_per_year=180, species_protected=21, area_m2=4_200),
        featured=True,
    ),
    Site(
        slug=HILL_PLOTS,
        name="Family plots on the hills",
        producer=ASTI,
        type="vineyard",
        place=Place(44.7746, 8.3553, "Piemonte", "IT"),
        address=Address("Strada dei Bricchi", "Nizza Monferrato", "14049", "IT"),
        target_cents=450_000,
        description="Thirty family plots of old Barbera at Nizza Monferrato.",
        long_description="Plots too steep for tractors are worked by horse and by hand. A share keeps one of "
        "them for a year, with its hedges, its beans and its nest boxes.",
        launched=540,
        labels=("bio",),
        impact_metrics=ImpactMetrics(co2_kg_per_year=260, species_protected=18, area_m2=30_000),
    ),
    Site(
        slug=HEDGE_OLIVES,
        name="Hedges between the olive trees",
        producer=UBEDA,
        type="olive_tree",
        place=Place(37.9876, -3.3352, "Andalucía", "ES"),
        address=Address("Camino del Guadalquivir", "Úbeda", "23400", "ES"),
        target_cents=400_000,
        ceiling_cents=480_000,
        funding_policy="ceiling",
        description="Four kilometres of hedge in the olive groves above the Guadalquivir.",
        launched=420,
        labels=("bio", "demeter"),
        impact_metrics=ImpactMetrics(co2_kg_per_year=900, species_protected=47, area_m2=120_000),
    ),
    Site(
        slug=FOREST_HIVES,
        name="Hives at the edge of the forest",
        producer=ANTALAHA,
        type="beehive",
        place=Place(-15.0462, 50.2310, "Sava", "MG"),
        address=Address("Lisière de la forêt", "Antalaha", "206", "MG"),
        target_cents=50_000,
        description="Ten hives where the vanilla fields of Antalaha meet the rainforest.",
        long_description="The keepers of the hives are the keepers of the trees: the honey is worth more "
        "than the timber, for as long as the forest flowers.",
        launched=300,
        labels=("bio", "fair-trade"),
        impact_metrics=ImpactMetrics(co2_kg_per_year=2_400, species_protected=63, area_m2=250_000),
        featured=True,
    ),
    Site(
        slug=LAVENDER_HIVES,
        name="Hives in the lavender",
        producer=NYONS,
        type="beehive",
        place=Place(44.2756, 5.2717, "Drôme", "FR"),
        address=Address("Route du col d'Ey", "Buis-les-Baronnies", "26170", "FR"),
        target_cents=150_000,
        description="Thirty hives that follow the flowers of the Baronnies, from thyme to lavender.",
        launched=150,
        labels=("bio",),
        impact_metrics=ImpactMetrics(co2_kg_per_year=60, species_protected=26, area_m2=80_000),
    ),
    Site(
        slug=ARGAN_HIVES,
        name="Hives among the argan trees",
        producer=TAFRAOUT,
        type="beehive",
        place=Place(29.6988, -8.9540, "Souss-Massa", "MA"),
        address=Address("Vallée des Ammeln", "Tafraout", "85450", "MA"),
        target_cents=200_000,
        description="Forty hives of the Saharan bee among the argan trees of the Ammeln valley.",
        launched=10,
        status="review",
        labels=("fair-trade",),
        impact_metrics=ImpactMetrics(co2_kg_per_year=150, species_protected=15, area_m2=60_000),
    ),
)
