"""Where one job runs: inline, or on the host's pools."""
