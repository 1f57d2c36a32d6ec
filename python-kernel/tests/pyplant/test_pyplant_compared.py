"""Programs written for PyPlant 0.6: what runs, what is cached and what comes out is the same here."""

from __future__ import annotations

import pytest
from peer import ours, theirs

CHAIN = """
@ReactorFunc
def first(pipe):
    ran("first")
    pipe.send("a", 1, Ingredient.Type.simple)
    yield

@ReactorFunc
def second(pipe, config):
    ran("second")
    a = yield pipe.receive("a")
    pipe.send("b", a * config.factor, Ingredient.Type.simple)

@ReactorFunc
def third(pipe):
    ran("third")
    b = yield pipe.receive("b")
    tell(b=b)

with Plant("plant", logger=quiet) as plant:
    plant.set_config({"factor": 2, "other": 1})
    plant.add_reactors(first, second, third)
    plant.run_reactor(third)
"""

SUBREACTORS = """
@SubreactorFunc
def inner(pipe):
    ran("inner")
    x = yield pipe.receive("x")
    return x + 10

@SubreactorFunc
def outer(pipe, y):
    z = yield from inner(pipe)
    return z + y

@SubreactorFunc
def plain(value):
    return value * 2

@ReactorFunc
def maker(pipe):
    ran("maker")
    pipe.send("x", 5)
    yield

@ReactorFunc
def middle(pipe):
    ran("middle")
    value = yield from outer(pipe, 1)
    double = yield from plain(value)
    pipe.send("value", double)

@ReactorFunc
def last(pipe):
    ran("last")
    value = yield pipe.receive("value")
    tell(value=value)

with Plant("plant", logger=quiet) as plant:
    plant.run_reactor("last")
"""

OWN = """
@SubreactorFunc
def send(pipe):
    pipe.send("part", pipe.read_config("p") + 10)
    yield

@SubreactorFunc
def receive(pipe):
    part = yield pipe.receive("part")
    pipe.send("whole", part + 15)

@ReactorFunc
def both(pipe):
    ran("both")
    yield from send(pipe)
    yield from receive(pipe)

@ReactorFunc
def last(pipe):
    ran("last")
    whole = yield pipe.receive("whole")
    tell(whole=whole)

with Plant("plant", logger=quiet) as plant:
    plant.set_config({"p": 1})
    plant.run_reactor(last)
"""

TYPES = """
class Thing:
    def __init__(self):
        self.a = {"x": (1, 2)}

@ReactorFunc
def maker(pipe):
    ran("maker")
    pipe.send("int", 42, Ingredient.Type.simple)
    pipe.send("float", 19.84)
    pipe.send("bool", False)
    pipe.send("complex", 1 + 2j)
    pipe.send("text", "Ex machina")
    pipe.send("tuple", (1, 2, 4, 1), Ingredient.Type.simple)
    pipe.send("dict", {"a": "b", 3: 4}, Ingredient.Type.simple)
    pipe.send("list", [4, 8, 15], Ingredient.Type.list)
    pipe.send("set", {3, 1, 2}, Ingredient.Type.object)
    pipe.send("slice", slice(1, 10, 2), Ingredient.Type.object)
    pipe.send("thing", Thing())
    pipe.send("array", np.arange(12.0).reshape(3, 4))
    pipe.send("records", np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")]), Ingredient.Type.array)
    path = pipe.allocate("notes.txt", Ingredient.Type.file)
    with open(path, "w") as file:
        file.write("read me")
    pipe.send("notes.txt", path, Ingredient.Type.file)

@ReactorFunc
def taker(pipe):
    ran("taker")
    told = {}
    for name in ("int", "float", "bool", "complex", "text", "tuple", "dict", "list", "set", "slice"):
        value = yield pipe.receive(name)
        told[name] = [type(value).__name__, repr(value)]
    thing = yield pipe.receive("thing")
    array = yield pipe.receive("array")
    records = yield pipe.receive("records")
    path = yield pipe.receive("notes.txt")
    with open(path) as file:
        told["file"] = [type(path).__name__, file.read()]
    array[0, 0] = 7
    tell(**told, thing=repr(thing.a), array=[type(array).__name__, array.tolist()], records=records["x"].tolist())

with Plant("plant", logger=quiet) as plant:
    plant.run_reactor(taker)
"""

CONFIG = """
class Config(ConfigBase):
    def __init__(self):
        super().__init__()
        self.size = 3
        self.color = "red"
        self.level = 1
        self.choose = lambda x: x + 1
        self.value = Value()
        self.mark_auxiliary(["level"])

class Value(ConfigValue):
    def __init__(self):
        self.depth = 4

@ReactorFunc
def maker(pipe, config: Config):
    ran("maker")
    config.level
    pipe.read_config("level")
    pipe.read_config_unregistered("color")
    config.peek("color")
    assert config.has("size") and not config.has("nothing")
    try:
        config.size = 9
    except RuntimeError:
        pipe.send("made", config.choose(config.size) + config.value.depth)

@ReactorFunc
def taker(pipe, config):
    ran("taker")
    made = yield pipe.receive("made")
    tell(made=made, color=pipe.config.color)

with Plant("plant", logger=quiet) as plant:
    plant.set_config(Config())
    plant.run_reactor(taker)
"""

CRASH = """
@ReactorFunc
def first(pipe):
    ran("first")
    pipe.send("a", 1)
    yield

@ReactorFunc
def second(pipe):
    ran("second")
    a = yield pipe.receive("a")
    raise ValueError("broken")
    pipe.send("b", a)

@ReactorFunc
def third(pipe):
    ran("third")
    b = yield pipe.receive("b")
    tell(b=b)

with Plant("plant", logger=quiet) as plant:
    plant.run_reactor(third)
"""

EVENTS = """
heard = []

@SubreactorFunc
def helper(pipe):
    return 3

@ReactorFunc
def first(pipe):
    x = yield from helper(pipe)
    pipe.send("a", x)

@ReactorFunc
def second(pipe):
    a = yield pipe.receive("a")
    b = yield 5
    assert b == 5

def listen(event, name, *more):
    heard.append([event.name, name, [one.__name__ for one in more]])

with Plant("plant", logger=quiet) as plant:
    for kind in ("reactor_started", "subreactor_started", "reactor_finished"):
        plant.add_event_listener(getattr(Plant.EventType, kind), listen)
    known = plant.is_ingredient_known("a")
    plant.run_reactor(second)
    plant.run_reactor(second)
    history = sorted(plant.get_execution_history())
    one = plant.get_ingredient_object("a")
    tell(
        heard=heard, history=history, known=[known, plant.is_ingredient_known("a"), plant.is_ingredient_known("z")],
        fetched=plant.fetch_ingredient("a"), none=plant.fetch_ingredient("z"), type=one.type.name, by=one.producerName,
        names=sorted(f.__name__ for f in plant.get_reactors()),
    )
"""

SPARSE = """
import scipy.sparse as sp
from PACKAGE.specs import ScipySparseSpec

@ReactorFunc
def maker(pipe):
    ran("maker")
    pipe.send("eye", sp.eye(12), ScipySparseSpec)
    pipe.send("guessed", sp.csr_matrix(np.arange(6).reshape(2, 3)))

@ReactorFunc
def taker(pipe):
    ran("taker")
    eye = yield pipe.receive("eye")
    guessed = yield pipe.receive("guessed")
    tell(eye=eye.toarray().sum(), guessed=guessed.toarray().tolist())

with Plant("plant", logger=quiet) as plant:
    plant.warehouse.register_ingredient_specs([ScipySparseSpec()])
    plant.run_reactor(taker)
"""

OWN_TYPE = """
import os
from PACKAGE.pyplant import IngredientTypeSpec

class Words(list):
    pass

class WordsSpec(IngredientTypeSpec):
    @classmethod
    def get_name(cls):
        return "words"

    def store(self, warehouse, name, value):
        with open(os.path.join(warehouse.baseDir, name + ".words"), "w") as file:
            file.write(" ".join(value))
        return {"count": len(value)}

    def fetch(self, warehouse, name, meta):
        with open(os.path.join(warehouse.baseDir, name + ".words")) as file:
            words = Words(file.read().split())
        assert meta == {"count": len(words)}
        return words

    def is_instance(self, value):
        return isinstance(value, Words)

@ReactorFunc
def maker(pipe):
    ran("maker")
    pipe.send("w", Words(["to", "be"]))

@ReactorFunc
def taker(pipe):
    ran("taker")
    w = yield pipe.receive("w")
    tell(w=w, kind=type(w).__name__)

with Plant("plant", logger=quiet) as plant:
    plant.warehouse.register_ingredient_specs([WordsSpec()])
    plant.run_reactor(taker)
"""

HELPERS = """
from PACKAGE.test import PipeworkMock, run_reactor_to_completion
from PACKAGE import utils

@SubreactorFunc
def twice(x):
    return 2 * x

@ReactorFunc
def maker(pipe):
    ran("maker")
    a = yield pipe.receive("a")
    b = yield from twice(a)
    pipe.send("b", b + pipe.read_config("p"))

@ReactorFunc
def source(pipe):
    ran("source")
    pipe.send("a", 3)
    yield

pipe = PipeworkMock({"p": 1}, {"a": 20})
run_reactor_to_completion(maker, pipe)
with Plant("plant", logger=quiet) as plant:
    plant.set_config({"p": 1})
    plant.run_reactor(maker)
    import os
    os.makedirs("copied")
    os.makedirs("other")
    utils.store_reactor_inputs_to_dir(plant, "maker", "copied")
    utils.store_ingredients_to_dir(plant, ["b"], "other")
tell(
    products=pipe.get_products(),
    copied=utils.load_ingredients_from_dir("copied"),
    b=utils.load_ingredients_from_dir("other"),
)
"""

# a program, and edits: each a text with what takes its place, None for no edit
CASES = {
    "chain": (
        CHAIN,
        [None, ('"factor": 2', '"factor": 3'), ('"other": 1', '"other": 2'), ("a * config", "1 + a * config")],
    ),
    "subreactors": (SUBREACTORS, [None, ("x + 10", "x + 11"), ("value * 2", "value * 3"), ("z + y", "y + z + 1")]),
    "own products": (OWN, [None, ('"p": 1', '"p": 5')]),
    "types": (TYPES, [None]),
    "configuration": (
        CONFIG,
        [
            None,
            ('"red"', '"blue"'),
            ("self.level = 1", "self.level = 2"),
            ("self.size = 3", "self.size = 4"),
            ("lambda x: x + 1", "lambda x: x + 2"),
            ("self.depth = 4", "self.depth = 5"),
        ],
    ),
    "crash": (CRASH, [None, ('    raise ValueError("broken")\n', "")]),
    "events": (EVENTS, []),
    "own type": (OWN_TYPE, [None]),
    "helpers": (HELPERS, [None]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_program_runs_after_changing_only_its_import(name, tmp_path):
    text, edits = CASES[name]
    one = ours(tmp_path, text.replace("PACKAGE", "stageloom.pyplant"))
    other = theirs(tmp_path, text.replace("PACKAGE", "pyplant"))
    for number, edit in enumerate([None, *edits]):
        if edit is not None:
            one.edit(*edit)
            other.edit(*edit)
        # who is not known to send anything yet runs in another order: ours reads that in the source
        expected, found = ([sorted(ran), *rest] for ran, *rest in (other.run(), one.run()))
        assert found == expected, f"run {number}, after {edit}: {one.error}\n{other.error}"


def test_sparse_matrices(tmp_path):
    """PyPlant's own environment has no SciPy."""
    program = ours(tmp_path, SPARSE.replace("PACKAGE", "stageloom.pyplant"))
    told = {"eye": 12.0, "guessed": [[0, 1, 2], [3, 4, 5]]}
    assert program.run() == (["taker", "maker"], told, 0), program.error
    assert program.run() == (["taker"], told, 0), program.error


def test_where_it_differs_on_purpose(tmp_path):
    """Values kept by parameter, and content that decides: PyPlant runs more."""
    one, other = ours(tmp_path, CHAIN), theirs(tmp_path, CHAIN)
    switching = [('"factor": 2', '"factor": 3'), ('"factor": 3', '"factor": 2')]
    refactored = ('pipe.send("a", 1,', 'pipe.send("a", 3 - 2,')
    runs = []
    for edit in [None, *switching, refactored]:
        for program in (one, other):
            if edit is not None:
                program.edit(*edit)
        runs.append((one.run()[0], other.run()[0]))
    assert runs[0] == (["third", "second", "first"], ["third", "first", "second"])
    assert runs[1] == (["third", "second"],) * 2
    assert runs[2] == (["third"], ["third", "second"])
    # to know whether second stands, first runs before it
    assert runs[3] == (["third", "first"], ["third", "second", "first"])
