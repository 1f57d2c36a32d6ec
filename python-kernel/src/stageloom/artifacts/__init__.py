"""Typed values on disk, in canonical bytes, and their previews."""
