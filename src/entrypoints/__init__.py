"""The only place that knows everything: settings, container, HTTP, CLI."""
