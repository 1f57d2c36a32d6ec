"""Plan and schedule."""
