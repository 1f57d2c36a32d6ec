"""The pool's side: one Python process that runs jobs."""
