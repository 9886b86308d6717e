"""Payment providers. Stripe's is imported where it is used: its library takes a while to load."""

from .none import NoProvider
from .sandbox import SandboxGateway

__all__ = ["NoProvider", "SandboxGateway"]
