"""Pure values: references, configuration, derivations, records and their keys."""
