"""For tests of faults in whole runs; what the store's own tests share is at hand."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "store"))
