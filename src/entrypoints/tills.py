"""Which combinations of settings take money soundly. A wrong one is named before anything starts."""

from urllib.parse import urlsplit

from .secret import InvalidSetting

SECRET_KEYS = ("sk_", "rk_")
"""How Stripe's secret and restricted keys begin."""
LIVE = ("sk_live_", "rk_live_")
HERE = ("localhost", "127.0.0.1", "::1")


def check_provider(*, sandbox: bool, key: str, webhook_secret: str, public_key: str, api_base: str) -> None:
    """Raise InvalidSetting, which never shows a secret, unless the settings of payments fit together."""
    for is_wrong, why in (
        (sandbox and key, "STRIPE_KEY is set and SANDBOX is on: turn it off, or take the key away"),
        (key and not key.startswith(SECRET_KEYS), "STRIPE_KEY is no secret key: it begins with sk_ or rk_"),
        (
            key and not webhook_secret,
            "STRIPE_KEY is set without STRIPE_WEBHOOK_SECRET: no message could be trusted",
        ),
        (webhook_secret and not key, "STRIPE_WEBHOOK_SECRET is set without STRIPE_KEY"),
        (
            not all(one.startswith("whsec_") for one in webhook_secret.split()),
            "STRIPE_WEBHOOK_SECRET is no signing secret: it begins with whsec_",
        ),
        (
            public_key and not public_key.startswith("pk_"),
            "STRIPE_PUBLIC_KEY begins with pk_: this one is secret",
        ),
        (
            public_key and key and ("_live_" in public_key) != key.startswith(LIVE),
            "STRIPE_KEY and STRIPE_PUBLIC_KEY are one for real money and one for tests",
        ),
        (
            api_base and key.startswith(LIVE),
            "STRIPE_API_BASE is set with a live key: real money goes to Stripe itself",
        ),
        (
            api_base.startswith("http://") and urlsplit(api_base).hostname not in HERE,
            "STRIPE_API_BASE is neither https:// nor on this machine: the key would travel in clear",
        ),
    ):
        if is_wrong:
            raise InvalidSetting(f"BAOBAB_{why}")
