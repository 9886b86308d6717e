"""What the product can do: commands, views, ports and use cases, one module a context."""
