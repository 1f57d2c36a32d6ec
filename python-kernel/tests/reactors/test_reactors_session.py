"""Sessions of reactors over a real store: who waits, who is cached, and what is kept."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from stageloom.pyplant import ConfigBase, Ingredient, Plant, ReactorFunc, SubreactorFunc
from stageloom.reactors.running import NobodySendsError

SRC = Path(__file__).parents[2] / "src"
QUIET = logging.getLogger("quiet-plant")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())


@pytest.fixture(autouse=True)
def _only_own_reactors():
    yield
    Plant._clear_global_state()


class Bench:
    """A plant's folder in which plants follow each other; ``code`` stands for the code of what it names."""

    def __init__(self, folder):
        self.folder = folder
        self.code = {}
        self.notes = []

    def run(self, target, *reactors, config=None, fetch=None):
        """Return which reactors ran, in order, and an ingredient."""
        started = []
        with Plant(self.folder, QUIET, functionHash=lambda f: self.code.get(f.__name__, f.__name__)) as plant:
            plant.add_event_listener(Plant.EventType.reactor_started, lambda _event, name, _func: started.append(name))
            plant.set_config(config or {})
            plant.add_reactors(*reactors)
            try:
                plant.run_reactor(target)
            finally:
                self.started = started
            return started, plant.fetch_ingredient(fetch) if fetch else None


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path / "plant")


def three(calls=None):
    @ReactorFunc
    def one(pipe):
        pipe.send("a", pipe.read_config("p") % 2)

    @ReactorFunc
    def two(pipe):
        a = yield pipe.receive("a")
        pipe.send("b", a + 10)

    @ReactorFunc
    def three(pipe):
        b = yield pipe.receive("b")
        pipe.send("c", b + 100)

    return one, two, three


def test_content_decides(bench):
    reactors = three()
    assert bench.run("three", *reactors, config={"p": 1}, fetch="c") == (["three", "two", "one"], 111)
    assert bench.run("three", *reactors, config={"p": 3}, fetch="c") == (["three", "one"], 111), "the same a"
    assert bench.run("three", *reactors, config={"p": 2}, fetch="c") == (["three", "one", "two"], 110)
    assert bench.run("three", *reactors, config={"p": 1}, fetch="c") == (["three"], 111), "a version of before"


def test_code_of_subreactors_called_by_name_alone_counts(bench):
    @SubreactorFunc
    def helper(x):
        return x + 1

    table = {"helper": helper}

    @ReactorFunc
    def maker(pipe):
        value = yield from table["helper"](1)
        pipe.send("a", value)

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("a")

    assert bench.run(taker, maker, taker)[0] == ["taker", "maker"]
    assert bench.run(taker, maker, taker)[0] == ["taker"]
    bench.code["helper"] = "other"
    assert bench.run(taker, maker, taker)[0] == ["taker", "maker"]


def test_what_is_absent_counts(bench):
    @ReactorFunc
    def maker(pipe, config):
        pipe.send("a", config.scale if config.has("scale") else 1)

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("a")

    assert bench.run(taker, maker, taker, config={}, fetch="a") == (["taker", "maker"], 1)
    assert bench.run(taker, maker, taker, config={"other": 1}, fetch="a") == (["taker"], 1)
    assert bench.run(taker, maker, taker, config={"scale": 4}, fetch="a") == (["taker", "maker"], 4)
    assert bench.run(taker, maker, taker, config={}, fetch="a") == (["taker"], 1)


def test_a_nested_key_that_was_not_read_does_not_count(bench):
    @ReactorFunc
    def maker(pipe, config):
        layers = config.model["layers"]
        deep = pipe.read_config("model").get("deep", {}).get("x", 0)
        pipe.send("a", [layers, deep])

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("a")

    def run(model):
        return bench.run(taker, maker, taker, config={"model": model}, fetch="a")

    assert run({"layers": 3, "width": 7}) == (["taker", "maker"], [3, 0])
    assert run({"layers": 3, "width": 8, "new": {}}) == (["taker"], [3, 0])
    assert run({"layers": 4, "width": 8}) == (["taker", "maker"], [4, 0])
    assert run({"layers": 4, "deep": {"x": 2, "y": 1}}) == (["taker", "maker"], [4, 2])
    assert run({"layers": 4, "deep": {"x": 2, "y": 9}}) == (["taker"], [4, 2])


@pytest.mark.parametrize(
    "read",
    [
        dict,
        lambda model: {**model},
        lambda model: sorted(model.items()),
        lambda model: model == {"a": 1},
        lambda model: __import__("json").dumps(model),
        lambda model: __import__("copy").deepcopy(model),
        lambda model: list(model.values()),
        lambda model: model | {},
        str,
    ],
    ids=["dict", "stars", "items", "equal", "json", "deepcopy", "values", "or", "str"],
)
def test_what_reads_all_of_a_dict_depends_on_all_of_it(bench, read):
    @ReactorFunc
    def maker(pipe, config):
        read(config.model)
        pipe.send("a", 1)

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("a")

    assert bench.run(taker, maker, taker, config={"model": {"a": 1}})[0] == ["taker", "maker"]
    assert bench.run(taker, maker, taker, config={"model": {"a": 1}})[0] == ["taker"]
    assert bench.run(taker, maker, taker, config={"model": {"a": 2}})[0] == ["taker", "maker"]


def test_a_configuration_within_a_configuration(bench):
    class Model(ConfigBase):
        def __init__(self, width):
            super().__init__()
            self.width = width
            self.note = width * 2

    class Config(ConfigBase):
        def __init__(self, width, note):
            super().__init__()
            self.model = Model(width)
            self.model.note = note

    @ReactorFunc
    def maker(pipe, config):
        pipe.send("a", config.model.width)

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("a")

    assert bench.run(taker, maker, taker, config=Config(1, 1))[0] == ["taker", "maker"]
    assert bench.run(taker, maker, taker, config=Config(1, 2))[0] == ["taker"]
    assert bench.run(taker, maker, taker, config=Config(2, 2))[0] == ["taker", "maker"]


def test_two_that_feed_each_other(bench):
    @ReactorFunc
    def asks(pipe):
        pipe.send("question", 20)
        answer = yield pipe.receive("answer")
        pipe.send("both", answer * 2)

    @ReactorFunc
    def answers(pipe):
        question = yield pipe.receive("question")
        pipe.send("answer", question + 1)

    assert bench.run(asks, asks, answers, fetch="both") == (["asks", "answers"], 42)
    assert bench.run(asks, asks, answers, fetch="both") == (["asks"], 42)


def test_an_array_received_while_its_sender_still_runs_stays_good(bench):
    np = pytest.importorskip("numpy")
    seen = []

    @ReactorFunc
    def asks(pipe):
        pipe.send("big", np.arange(300_000.0))
        answer = yield pipe.receive("answer")
        pipe.send("both", answer)

    @ReactorFunc
    def answers(pipe):
        big = yield pipe.receive("big")
        pipe.send("answer", float(big[5]))
        late = yield pipe.receive("late")
        seen.append(float(big.sum()) + late)

    @ReactorFunc
    def later(pipe):
        both = yield pipe.receive("both")
        pipe.send("late", both)

    assert bench.run(answers, asks, answers, later)[0] == ["answers", "asks", "later"]
    assert seen == [float(np.arange(300_000.0).sum()) + 5]


def test_a_failure_keeps_what_was_complete_and_the_plant_usable(bench):
    one, two, _ = three()
    broken = [True]

    @ReactorFunc
    def last(pipe):
        b = yield pipe.receive("b")
        if broken:
            raise ValueError("broken")
        pipe.send("c", b)

    with pytest.raises(ValueError, match="broken"):
        bench.run(last, one, two, last, config={"p": 1})
    assert bench.started == ["last", "two", "one"]
    broken.clear()
    assert bench.run(last, one, two, last, config={"p": 1}, fetch="c") == (["last"], 11)


def test_nobody_sends_it(bench):
    one, two, three_ = three()
    with pytest.raises(NobodySendsError, match="'two' waits for the ingredient 'a': no reactor that was added sends"):
        bench.run(two, two, config={"p": 1})
    bench.run(three_, one, two, three_, config={"p": 1})
    bench.code["two"] = "changed"
    with pytest.raises(NobodySendsError, match=r"'a': 'one', which once sent it, was not added"):
        bench.run(two, two, three_, config={"p": 1})


def test_a_ring_is_told(bench):
    @ReactorFunc
    def hen(pipe):
        egg = yield pipe.receive("egg")
        pipe.send("hen", egg)

    @ReactorFunc
    def egg(pipe):
        hen = yield pipe.receive("hen")
        pipe.send("egg", hen)

    with pytest.raises(NobodySendsError, match="'egg', which sends it, waits itself"):
        bench.run(hen, hen, egg)


def test_sent_twice(bench):
    @ReactorFunc
    def maker(pipe):
        pipe.send("a", 1)
        pipe.send("a", 2)

    with pytest.raises(RuntimeError, match="'a' was sent twice"):
        bench.run(maker, maker)


def test_a_reactor_that_no_longer_sends_is_asked_no_more(bench):
    """One that was the sender is now the receiver."""

    @ReactorFunc
    def left(pipe):
        pipe.send("a", 1)

    @ReactorFunc
    def right(pipe):
        yield pipe.receive("a")

    assert bench.run(right, left, right)[0] == ["right", "left"]

    def swapped_left(pipe):
        yield pipe.receive("a")

    def swapped_right(pipe):
        pipe.send("a", 1)

    swapped_left.__name__, swapped_right.__name__ = "left", "right"
    bench.code.update(left="left2", right="right2")
    assert bench.run("left", ReactorFunc(swapped_left), ReactorFunc(swapped_right))[0] == ["left", "right"]


def test_names_that_only_running_tells(bench):
    @ReactorFunc
    def parts(pipe):
        for number in range(3):
            pipe.send(f"part-{number}", number)

    @ReactorFunc
    def other(pipe):
        pipe.send("other", 1)

    @ReactorFunc
    def whole(pipe):
        total = 0
        for number in range(3):
            total += yield pipe.receive(f"part-{number}")
        pipe.send("total", total)

    assert bench.run(whole, parts, whole, fetch="total") == (["whole", "parts"], 3)
    bench.code["whole"] = "changed"
    assert bench.run(whole, other, parts, whole, fetch="total") == (["whole"], 3), "other was not needed"


@pytest.mark.parametrize("damage", ["flip", "delete"])
def test_a_damaged_ingredient_is_made_again(bench, damage):
    np = pytest.importorskip("numpy")

    @ReactorFunc
    def maker(pipe):
        pipe.send("a", np.arange(100.0))

    @ReactorFunc
    def taker(pipe):
        a = yield pipe.receive("a")
        pipe.send("sum", float(a.sum()))

    assert bench.run(taker, maker, taker, fetch="sum") == (["taker", "maker"], 4950.0)
    [file] = Path(bench.folder).rglob("trees/**/a.npy")
    file.parent.chmod(0o755)
    if damage == "delete":
        file.unlink()
    else:
        data = bytearray(file.read_bytes())
        data[-3] ^= 0x40
        file.chmod(0o644)
        file.write_bytes(bytes(data))
    assert bench.run(taker, maker, taker, fetch="sum") == (["taker", "maker"], 4950.0)
    assert bench.run(taker, maker, taker, fetch="sum") == (["taker"], 4950.0)


def test_each_receiver_has_a_value_of_its_own(bench):
    np = pytest.importorskip("numpy")
    seen = []

    @ReactorFunc
    def maker(pipe):
        pipe.send("list", [1, 2])
        pipe.send("array", np.zeros(200_000))

    @ReactorFunc
    def spoils(pipe):
        values = yield pipe.receive("list")
        array = yield pipe.receive("array")
        values.append(3)
        array[0] = 9
        pipe.send("done", 1)

    @ReactorFunc
    def looks(pipe):
        yield pipe.receive("done")
        seen.append((yield pipe.receive("list")))
        seen.append(float((yield pipe.receive("array"))[0]))

    bench.run(looks, maker, spoils, looks)
    assert seen == [[1, 2], 0.0]


def test_a_large_array_arrives_mapped(bench):
    pytest.importorskip("numpy")
    kinds = []

    @ReactorFunc
    def maker(pipe):
        made = pipe.allocate("a", Ingredient.Type.array, shape=(1000, 500), dtype="f8")
        made[:] = 1
        pipe.send("a", made, Ingredient.Type.array)
        pipe.allocate("never", Ingredient.Type.array, shape=(5,), dtype="f8")

    @ReactorFunc
    def taker(pipe):
        a = yield pipe.receive("a")
        kinds.append((type(a.base).__name__, float(a.sum())))

    bench.run(taker, maker, taker)
    assert kinds[0][1] == 500_000.0
    assert kinds[0][0] in ("memmap", "mmap")
    assert not list(Path(bench.folder).rglob("never*"))


def test_temporary_ingredients_are_gone_at_the_end(bench):
    h5py = pytest.importorskip("h5py")
    from stageloom.pyplant import specs

    places = []

    @ReactorFunc
    def maker(pipe):
        temp = pipe.allocate_temp("t", specs.HdfArraySpec, shape=(10,), dtype="f8")
        temp[:] = 2
        places.append(Path(temp.file.filename))
        assert places[-1].exists()
        made = pipe.allocate("h", specs.HdfArraySpec, shape=(4, 5), dtype="u1")
        made[1] = 42
        pipe.send("h", made, specs.HdfArraySpec)
        pipe.send("total", float(temp[...].sum()))

    @ReactorFunc
    def taker(pipe):
        h = yield pipe.receive("h")
        assert isinstance(h, h5py.Dataset)
        pipe.send("seen", h[...].sum().item())

    assert bench.run(taker, maker, taker, fetch="seen") == (["taker", "maker"], 210)
    assert not places[-1].exists()
    assert bench.run(taker, maker, taker, fetch="seen") == (["taker"], 210)
    bench.code["maker"] = "again"
    assert bench.run(taker, maker, taker, fetch="seen") == (["taker", "maker"], 210), "taker is forced"


def test_an_equal_hdf5_array_is_equal(bench):
    pytest.importorskip("h5py")
    from stageloom.pyplant import specs

    @ReactorFunc
    def maker(pipe):
        made = pipe.allocate("h", specs.HdfArraySpec, shape=(4, 5), dtype="u1")
        made[1] = 42
        pipe.send("h", made)

    @ReactorFunc
    def middle(pipe):
        h = yield pipe.receive("h")
        pipe.send("sum", int(h[...].sum()))

    @ReactorFunc
    def last(pipe):
        yield pipe.receive("sum")

    assert bench.run(last, maker, middle, last)[0] == ["last", "middle", "maker"]
    bench.code["maker"] = "again"
    assert bench.run(last, maker, middle, last)[0] == ["last", "maker"]


def test_a_chain_of_a_thousand(bench):
    def link(number):
        def reactor(pipe):
            x = (yield pipe.receive(f"s{number - 1}")) if number else 0
            pipe.send(f"s{number}", x + 1)

        reactor.__name__ = f"r{number}"
        return ReactorFunc(reactor)

    # the last first: none can be guessed, each is found by what it asks for
    chain = [link(number) for number in range(1000)]
    started, end = bench.run("r999", *chain, fetch="s999")
    assert (len(started), end) == (1000, 1000)
    assert bench.run("r999", *chain, fetch="s999") == (["r999"], 1000)


def test_what_is_interrupted_is_not_stored(bench):
    @ReactorFunc
    def maker(pipe):
        pipe.send("a", 1)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bench.run(maker, maker)
    with Plant(bench.folder, QUIET) as plant:
        assert not plant.is_ingredient_known("a")


def test_two_processes_run_it_once(tmp_path):
    text = f"""
import logging, sys, time
from stageloom.pyplant import *
quiet = logging.getLogger("q"); quiet.propagate = False; quiet.addHandler(logging.NullHandler())

@ReactorFunc
def slow(pipe):
    with open({str(tmp_path / "ran")!r}, "a") as file:
        file.write("slow ")
    time.sleep(0.7)
    pipe.send("a", 1)

@ReactorFunc
def last(pipe):
    a = yield pipe.receive("a")

with Plant({str(tmp_path / "plant")!r}, quiet) as plant:
    plant.run_reactor(last)
"""
    (tmp_path / "program.py").write_text(text)
    command = [sys.executable, str(tmp_path / "program.py")]
    both = [subprocess.Popen(command, env={"PYTHONPATH": str(SRC)}) for _ in range(2)]
    assert [one.wait(300) for one in both] == [0, 0]
    assert (tmp_path / "ran").read_text().split() == ["slow"]


def test_what_the_index_and_the_cache_lost_is_read_again(bench):
    reactors = three()
    bench.run("three", *reactors, config={"p": 1})
    store = Path(bench.folder) / ".stageloom" / "store"
    for file in [*store.glob("index.sqlite*"), *store.glob("cache/*.sqlite*")]:
        file.unlink()
    assert bench.run("three", *reactors, config={"p": 1}, fetch="c") == (["three"], 111)
    for file in store.glob("cache/*.sqlite"):
        file.write_bytes(b"nonsense" * 1000)
    assert bench.run("three", *reactors, config={"p": 1}, fetch="c") == (["three"], 111)


def test_threads_may_each_have_a_plant(tmp_path):
    failures = []

    def work(number):
        try:
            bench = Bench(tmp_path / f"plant{number}")
            one, two, three_ = three()
            assert bench.run(three_, one, two, three_, config={"p": 1}, fetch="c")[1] == 111
        except BaseException as error:  # noqa: BLE001  # told by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_two_that_send_the_same(bench):
    @ReactorFunc
    def one(pipe):
        pipe.send("a", 1)
        pipe.send("one", 1)

    @ReactorFunc
    def other(pipe):
        pipe.send("a", 2)
        pipe.send("other", 1)

    @ReactorFunc
    def taker(pipe):
        yield pipe.receive("one")
        yield pipe.receive("other")

    with pytest.raises(RuntimeError, match=r"'(one|other)' sends the ingredient 'a', and so did '(one|other)'"):
        bench.run(taker, one, other, taker)
