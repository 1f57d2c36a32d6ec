"""Values written as files and read back."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import os
import subprocess
import sys
import uuid
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from stageloom.artifacts.errors import UnloadableError, UnstorableError
from stageloom.artifacts.values import given, load, save


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    LOW = 1


class Pair(NamedTuple):
    left: int
    right: Any


@dataclasses.dataclass
class Trace:
    xs: Any
    note: str = ""
    total: float = dataclasses.field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.note += "!"


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    a: int
    b: tuple[int, ...]


class Custom:
    def __init__(self, tags: set[str]) -> None:
        self.tags = tags

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Custom) and self.tags == other.tags

    __hash__ = None  # type: ignore[assignment]


def again(value: object, tmp_path: Path, **options: Any) -> Any:
    save(value, tmp_path)
    return load(tmp_path, **options)


PLAIN = [
    None, True, 0, -1, 2**80, 1.5, -0.0, 1e300, "", "é\ud800", [], [1, [2]], {}, {"a": {"b": [None]}}, (), (1, (2,)),
    {1, 2}, frozenset({"a"}), set(), b"", b"x" * 3000, bytearray(b"ab"), {1: "a", None: 2, (1, 2): 3},
    {"$file": "evil"}, {"$tuple": [1], "b": 2}, 3 + 4j, range(1, 9, 2), slice(1, None, 3), Color.RED, Level.LOW,
    Pair(1, [2]), Frozen(1, (2, 3)), dt.date(2024, 2, 29), dt.datetime(2024, 2, 29, 1, 2, 3, 4),  # noqa: DTZ001

    dt.datetime(2024, 2, 29, tzinfo=dt.timezone.utc), dt.time(1, 2), dt.timedelta(days=-1, microseconds=5),
    decimal.Decimal("1.10"), fractions.Fraction(1, 3), uuid.UUID(int=7), PurePosixPath("a/b"), Path("/etc/hosts"),
    collections.OrderedDict(b=1, a=2), collections.Counter("abca"), [Color.RED, {"k": Pair(1, {2: 3})}],
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=lambda value: repr(value)[:40])
def test_values_of_the_standard_library(value: object, tmp_path: Path) -> None:
    assert save(value, tmp_path) == ()
    back = load(tmp_path)
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value) or isinstance(value, (set, frozenset))


def test_what_is_not_finite(tmp_path: Path) -> None:
    back = again([math.inf, -math.inf, math.nan, np.float64("nan")], tmp_path)
    assert back[:2] == [math.inf, -math.inf]
    assert math.isnan(back[2])
    assert isinstance(back[3], np.float64)


def test_a_fold_survives(tmp_path: Path) -> None:
    assert again(dt.datetime(2024, 1, 1, fold=1), tmp_path).fold == 1  # noqa: DTZ001


ARRAYS = [
    np.arange(6.0).reshape(2, 3), np.array(3), np.zeros((0, 4), np.int8), np.arange(5)[::2], np.array(["a", "éb"]),
    np.asfortranarray(np.arange(6).reshape(2, 3)), np.arange(3, dtype=">i4"), np.array([1 + 2j]), np.array([True]),
    np.array(["2024-01-01"], "datetime64[D]"), np.array([b"ab"]), np.zeros(2, [("a", "i1"), ("b", "f8")]),
    np.zeros(2, np.dtype([("a", "i1"), ("b", [("c", "f4", (2,))])], align=True)), np.arange(3, dtype=np.float16),
]  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: f"{array.dtype}{array.shape}")
def test_arrays(array: np.ndarray[Any, Any], tmp_path: Path) -> None:
    assert save({"xs": array}, tmp_path) == ()
    back = load(tmp_path)["xs"]  # type: ignore[index]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert back.shape == array.shape
    assert type(back) is np.ndarray


SCALARS = [
    np.float64(1.5), np.float32(0.1), np.int8(-3), np.bool_(True), np.str_("é"), np.complex128(1 + 2j),
    np.datetime64("2024-01-01"), np.longdouble("1.5"),
]  # fmt: skip


@pytest.mark.parametrize("scalar", SCALARS, ids=repr)
def test_numpy_scalars(scalar: np.generic, tmp_path: Path) -> None:
    back = again(scalar, tmp_path)
    assert back == scalar
    assert type(back) is type(scalar)


def test_layout(tmp_path: Path) -> None:
    save({"xs": np.arange(3), "deep": [{"ys": np.arange(2)}], "n": 1}, tmp_path)
    assert sorted(os.listdir(tmp_path / "return")) == ["deep.0.ys.npy", "value.json", "xs.npy"]
    stored = json.loads((tmp_path / "return" / "value.json").read_text())
    assert stored == {"xs": {"$file": "xs.npy"}, "deep": [{"ys": {"$file": "deep.0.ys.npy"}}], "n": 1}


def test_names_of_files_are_safe(tmp_path: Path) -> None:
    value = {"a/b": 1, "../x": 2, "XS": 3, "xs": 4, "con": 5, "é" * 200: 6, "value": 7, "": 8}
    arrays = {key: np.array(number) for key, number in value.items()}
    back = again(arrays, tmp_path)
    assert {key: int(array) for key, array in back.items()} == value
    names = os.listdir(tmp_path / "return")
    assert len({name.lower() for name in names}) == len(names) == 9
    assert all(len(name) < 100 and "/" not in name and name.isascii() for name in names)


def test_dataclasses_are_restored_without_running_them(tmp_path: Path) -> None:
    trace = Trace(np.arange(3))
    trace.total = 4.0
    back = again(trace, tmp_path)
    assert (type(back), back.note, back.total) == (Trace, "!", 4.0)
    assert back.xs.tolist() == [0, 1, 2]


def test_a_class_that_changed_or_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(Frozen(1, (2,)), tmp_path)
    path = tmp_path / "return" / "value.json"
    text = path.read_text()
    path.write_text(text.replace('"b"', '"gone"'))
    with pytest.raises(UnloadableError, match="other fields"):
        load(tmp_path)
    path.write_text(text.replace(":Frozen", ":Lost"))
    with pytest.raises(UnloadableError, match="does not have any more"):
        load(tmp_path)
    path.write_text(text.replace("test_values:", "no_such_module:"))
    with pytest.raises(UnloadableError, match="does not import"):
        load(tmp_path)
    path.write_text('{"$novel": 1}')
    with pytest.raises(UnloadableError, match="unknown kind"):
        load(tmp_path)
    path.write_text('{"$file": "../../secret"}')
    with pytest.raises(UnloadableError, match="not there"):
        load(tmp_path)


def test_large_arrays_are_mapped_and_never_written_to(tmp_path: Path) -> None:
    save(np.zeros(1_000_000), tmp_path)
    path = tmp_path / "return" / "value.npy"
    path.chmod(0o444)
    before = path.read_bytes()
    back: Any = load(tmp_path)
    assert not back.flags.owndata
    assert "mmap" in type(back.base).__name__
    back[0] = 5
    assert back[0] == 5
    assert path.read_bytes() == before
    unmapped: Any = load(tmp_path, mmap=False)
    assert "mmap" not in type(unmapped.base).__name__


def test_paths_within_the_stages_folder_move_with_it(tmp_path: Path) -> None:
    out = tmp_path / "scratch"
    out.mkdir()
    (out / "plot.png").write_bytes(b"x")
    save({"plot": out / "plot.png"}, out)
    tree = out.rename(tmp_path / "tree")
    assert load(tree) == {"plot": tree / "plot.png"}


FRAMES = [
    pd.DataFrame({"a": [1, 2], "b": [0.5, np.nan], "c": ["x", None]}),
    pd.DataFrame({"t": pd.to_datetime(["2024-01-01", None])}),
    pd.DataFrame({"z": pd.to_datetime(["2024-01-01", "2024-06-01"]).tz_localize("Europe/Berlin")}),
    pd.DataFrame({"k": pd.Categorical(["b", "a", None], ["b", "a"], ordered=True)}),
    pd.DataFrame({"i": pd.array([1, None], "Int64"), "f": pd.array([True, None], "boolean")}),
    pd.DataFrame({"s": pd.array(["x", None], "string")}, index=pd.Index(["é", "b"], name="key")),
    pd.DataFrame(np.arange(4).reshape(2, 2), index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["p", None])),
    pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    pd.DataFrame([[1, 2.5]], columns=["same", "same"]),
    pd.DataFrame(),
    pd.DataFrame(index=[1, 2]),
    pd.Series([1.5, 2], name="price", index=pd.date_range("2024-01-01", periods=2, freq="D")),
    pd.Series(["a"], name=("a", 1)),
    pd.Index([3, 1], name="n"),
    pd.RangeIndex(2, 9, 3),
]  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES, ids=range(len(FRAMES)))
def test_tables(frame: Any, tmp_path: Path) -> None:
    assert save(frame, tmp_path) == ()
    back: Any = load(tmp_path)
    check = {pd.DataFrame: pd.testing.assert_frame_equal, pd.Series: pd.testing.assert_series_equal}
    check.get(type(frame), pd.testing.assert_index_equal)(back, frame)


def test_a_table_of_odd_things_is_pickled_with_a_word(tmp_path: Path) -> None:
    frame = pd.DataFrame({"o": [{"a": 1}, [2]]})
    [warning] = save(frame, tmp_path)
    assert "a column of objects, a dict among them" in warning
    pd.testing.assert_frame_equal(load(tmp_path), frame)


def test_object_arrays_and_own_classes_are_pickled_with_a_word(tmp_path: Path) -> None:
    warnings = save([np.array([None, "a"], object), Custom({"a"})], tmp_path)
    assert "the return value[0] is a numpy.ndarray" in warnings[0]
    assert "stored as a pickle" in warnings[1]
    back: Any = load(tmp_path)
    assert back[0].tolist() == [None, "a"]
    assert back[1] == Custom({"a"})


@pytest.mark.parametrize("family", ["matrix", "array"])
@pytest.mark.parametrize("form", ["csr", "csc", "bsr", "dia", "coo", "lil", "dok"])
def test_sparse_matrices(form: str, family: str, tmp_path: Path) -> None:
    import scipy.sparse

    dense = np.zeros((4, 6), np.float32)
    dense[[0, 3, 1, 2], [5, 0, 2, 2]] = [1.5, -2, 3, 4]
    made = getattr(scipy.sparse, f"{form}_{family}")(dense)
    (tmp_path / "a").mkdir()
    assert save([made], tmp_path / "a") == ()
    [back] = load(tmp_path / "a")  # type: ignore[misc,unused-ignore]
    assert type(back) is type(made)
    assert back.shape == (4, 6)
    assert back.dtype == np.float32
    assert (back.toarray() == dense).all()
    assert not list((tmp_path / "a").rglob("*.pickle"))


def test_sparse_matrices_are_stored_alike_in_whatever_order_they_were_made(tmp_path: Path) -> None:
    import scipy.sparse

    one = scipy.sparse.csr_matrix((np.array([1.0, 2.0]), np.array([0, 2]), np.array([0, 2])), shape=(1, 3))
    other = scipy.sparse.csr_matrix((np.array([2.0, 1.0]), np.array([2, 0]), np.array([0, 2])), shape=(1, 3))
    kept = other.indices.tolist()
    values = {"c": one, "d": one.tocoo()}, {"c": other, "d": other.tocoo()}
    trees = []
    for number, value in enumerate(values):
        (tmp_path / str(number)).mkdir()
        save(value, tmp_path / str(number))
        trees.append({file.name: file.read_bytes() for file in (tmp_path / str(number) / "return").iterdir()})
    assert trees[0] == trees[1]
    assert other.indices.tolist() == kept
    empty = scipy.sparse.csr_array((0, 3), dtype=complex)
    (tmp_path / "empty").mkdir()
    save(empty, tmp_path / "empty")
    back: Any = load(tmp_path / "empty")
    assert back.shape == (0, 3)
    assert back.dtype == complex


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA", "CMYK", "F"])
def test_pictures(mode: str, tmp_path: Path) -> None:
    import PIL.Image

    picture = PIL.Image.new(mode, (3, 2))
    picture.putpixel(
        (1, 1), 1.0 if mode == "F" else 255 if len(picture.getbands()) == 1 else (9, 8, 7, 6)[: len(picture.getbands())]
    )
    picture.info["dpi"] = (72, 72)
    warnings = save(picture, tmp_path)
    assert (tmp_path / "return" / "value.png").exists() == (not warnings) == (mode not in ("CMYK", "F"))
    back: Any = load(tmp_path)
    assert (back.mode, back.size, back.tobytes()) == (picture.mode, picture.size, picture.tobytes())
    assert picture.info == {"dpi": (72, 72)}


def test_a_picture_with_a_colour_that_stands_for_none_keeps_it(tmp_path: Path) -> None:
    import PIL.Image

    picture = PIL.Image.new("L", (1, 1))
    picture.info["transparency"] = 0
    assert len(save(picture, tmp_path)) == 1
    back: Any = load(tmp_path)
    assert back.info == {"transparency": 0}


def test_optimize_results(tmp_path: Path) -> None:
    from scipy.optimize import OptimizeResult

    back = again(OptimizeResult(x=np.arange(2), fun=1.5, message=["ok"], inner=OptimizeResult(a=1)), tmp_path)
    assert type(back) is OptimizeResult
    assert (back.fun, back.message, back.inner.a, back.x.tolist()) == (1.5, ["ok"], 1, [0, 1])


def test_figures(tmp_path: Path) -> None:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([1, 2])
    back = again({"figure": figure}, tmp_path)
    data = back["figure"].read_bytes()
    assert data.startswith(b"\x89PNG")
    assert b"Matplotlib" not in data
    assert back["figure"] == tmp_path / "return" / "figure.png"


class Local:
    pass


UNSTORABLE: list[tuple[object, str, str]] = [
    ([1, {"f": lambda: 0}], r"the return value\[1\]\['f'\] is a function, which cannot", "Return the data"),
    ((n for n in ()), "the return value is a generator", "Return a list of its items"),
    ({"log": sys.__stderr__}, r"the return value\['log'\] is a _io.TextIOWrapper", "out /"),
    (json, "is a module", "Return what you need"),
]


@pytest.mark.parametrize(("value", "message", "advice"), UNSTORABLE, ids=lambda value: str(value)[:20])
def test_what_cannot_be_stored(value: object, message: str, advice: str, tmp_path: Path) -> None:
    with pytest.raises(UnstorableError, match=message) as caught:
        save(value, tmp_path)
    assert advice in caught.value.advice


def test_cycles_and_depths_and_local_classes(tmp_path: Path) -> None:
    cycle: list[object] = []
    cycle.append(cycle)
    with pytest.raises(UnstorableError, match=r"the return value\[0\] contains itself"):
        save(cycle, tmp_path / "a")
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    with pytest.raises(UnstorableError, match="nested too deeply"):
        save(deep, tmp_path / "b")

    @dataclasses.dataclass
    class Inner:
        a: int

    with pytest.raises(UnstorableError, match="cannot be imported"):
        save(Inner(1), tmp_path / "c")
    shared = [1]
    assert again([shared, shared], tmp_path / "d") == [[1], [1]]


def test_the_folder_of_the_return_value_is_reserved(tmp_path: Path) -> None:
    (tmp_path / "return").mkdir()
    with pytest.raises(UnstorableError, match="return/ in `out` is where the return value goes"):
        save(1, tmp_path)


def test_what_a_dependant_is_given(tmp_path: Path) -> None:
    assert given(tmp_path) == tmp_path
    save(None, tmp_path)
    assert given(tmp_path) is None
    (tmp_path / "model.bin").write_bytes(b"")
    assert given(tmp_path) == tmp_path


CANONICAL = """
import sys, collections, dataclasses
from pathlib import Path
import numpy as np, pandas as pd
sys.path.insert(0, {here!r})
from test_values import Custom, Trace
from stageloom.artifacts.values import save
words = [f"w{{n}}" for n in range(50)]
record = np.empty(3, np.dtype([("a", "i1"), ("b", "f8")], align=True))
record.view("u1")[:] = int(sys.argv[2])  # what lies between the fields
record["a"], record["b"] = 1, 2.0
from matplotlib.figure import Figure
figure = Figure(); figure.subplots().plot([1, 3, 2])
order = np.arange(6).reshape(2, 3)
if sys.argv[2] == "1":
    order = np.asfortranarray(order)
save({{
    "set": set(words), "frozen": [frozenset(words)], "custom": Custom(set(words)), "trace": Trace({{"s": set(words)}}),
    "record": record, "order": order,
    "frame": pd.DataFrame({{"a": [1, 2], "b": ["x", None]}}), "figure": figure,
    "objects": np.array([set(words)], object),
    "class": {{(1, 2): set(words)}},
}}, Path(sys.argv[1]))
"""


def test_the_same_value_is_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    contents = []
    for seed in ("1", "2"):
        out = tmp_path / seed
        code = CANONICAL.format(here=str(Path(__file__).parent))
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "MPLBACKEND": "agg",
        }
        subprocess.run([sys.executable, "-c", code, out, seed], env=environment, check=True)
        contents.append({path.name: path.read_bytes() for path in sorted((out / "return").iterdir())})
    assert contents[0].keys() == contents[1].keys()
    assert [name for name, data in contents[0].items() if contents[1][name] != data] == []
    assert len(contents[0]) > 6
