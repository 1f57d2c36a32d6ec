"""Arrays larger than memory: allocated on disk, filled row by row, received as a mapping of the file.

Run `python larger.py 8192` for 8 GB. What was sent is in no process's memory: who receives it reads the file.
"""

import sys

import numpy as np

from stageloom.pyplant import *

MEGABYTE = 1 << 20


@ReactorFunc
def fill(pipe, config):
    whole = pipe.allocate("whole", Ingredient.Type.array, shape=(config.megabytes, MEGABYTE // 8), dtype=np.float64)
    for row in range(len(whole)):
        whole[row] = row
    pipe.send("whole", whole)


@ReactorFunc
def total(pipe):
    whole = yield pipe.receive("whole")
    pipe.send("total", sum(float(row.sum()) for row in whole))


if __name__ == "__main__":
    with Plant("plant") as plant:
        plant.set_config({"megabytes": int(sys.argv[1]) if len(sys.argv) > 1 else 64})
        plant.run_reactor(total)
        print(f"{plant.fetch_ingredient('total'):.0f}")
