"""Stages written as derivations, Pylightnix's way."""
