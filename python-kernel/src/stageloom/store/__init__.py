"""Trees and records on disk, the journal and the index."""
