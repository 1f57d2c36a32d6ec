"""The engine for the editor: one process per workspace, outside every pool, that never imports user code."""
