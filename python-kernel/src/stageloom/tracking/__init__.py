"""What a stage's code reaches, and why a stage is stale."""
