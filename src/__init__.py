"""baobab: the backend for communities that fund, share and trade."""

__version__ = "0.1.0"
