"""``again.py <file> <stage> <times>``: has a pipeline realized in this process, and looked at that many times more."""

from __future__ import annotations

import sys

from stageloom.library import realize

for _ in range(1 + int(sys.argv[3])):
    realize(f"{sys.argv[1]}:{sys.argv[2]}")
