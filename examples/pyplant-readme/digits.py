"""Reading, fitting and drawing, written for PyPlant: only the import is Stageloom's.

Run `python digits.py`: the plant keeps in `plant/` what it made. Or click Realize above `draw`, or run `stageloom
realize digits.py:draw`: then the editor's store keeps it. Change `color` and only `draw` runs; change `shift` and back
again, and nothing but `draw` does.
"""

import numpy as np

from stageloom.pyplant import *


class Settings(ConfigBase):
    def __init__(self):
        super().__init__()
        self.points = 200
        self.shift = 0.5
        self.color = "steelblue"
        self.verbose = True
        self.mark_auxiliary(["verbose"])


@SubreactorFunc
def noise(count):
    """A plain subreactor: its code counts as that of the reactors that call it."""
    return np.random.default_rng(7).normal(scale=0.1, size=count)


@SubreactorFunc
def samples(pipe):
    """One that receives, and calls another."""
    places = yield pipe.receive("places")
    values = np.sin(places) + (yield from noise(len(places)))
    return places, values


@ReactorFunc
def measure(pipe, config):
    """The expensive beginning."""
    if config.verbose:
        print("measuring", config.points, "points")
    pipe.send("places", np.linspace(0, 6, config.points), Ingredient.Type.array)


@ReactorFunc
def fit(pipe):
    """A polynomial through the samples."""
    places, values = yield from samples(pipe)
    pipe.send("polynomial", np.polyfit(places, values + pipe.read_config("shift"), 5).tolist(), Ingredient.Type.list)


@ReactorFunc
def draw(pipe, config):
    """A picture, in a file that PyPlant places."""
    places = yield pipe.receive("places")
    polynomial = yield pipe.receive("polynomial")
    heights = np.polyval(polynomial, places) * 40 + 80
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{config.color}"/>'
        for x, y in zip(places * 50 + 10, heights, strict=True)
    )
    path = pipe.allocate("picture.svg", Ingredient.Type.file)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 180">{dots}</svg>\n')
    pipe.send("picture.svg", path, Ingredient.Type.file)


if __name__ == "__main__":
    with Plant("plant") as plant:
        plant.set_config(Settings())
        plant.run_reactor(draw)
        print("drawn:", plant.fetch_ingredient("picture.svg"))
        plant.print_execution_history()
