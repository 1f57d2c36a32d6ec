"""The pool's side: a process that runs jobs, one at a time, and what a job is made of."""
