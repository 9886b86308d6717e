"""The rules: frozen records and pure functions. No input, no output, no clock, no chance."""
