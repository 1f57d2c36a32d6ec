"""The engine for the editor."""
