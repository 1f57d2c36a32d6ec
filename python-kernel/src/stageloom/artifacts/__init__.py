"""Values as files: what a stage returns, written so that equal values are equal bytes, and what it looks like."""
