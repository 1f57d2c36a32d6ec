"""Pylightnix's API over this engine and store."""
