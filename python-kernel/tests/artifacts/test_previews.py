"""What stored files look like, and that finding out runs nothing."""

from __future__ import annotations

import base64
import json
import os
import pickle
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL.Image
import pytest
import scipy.sparse

from stageloom.artifacts import shown_arrays
from stageloom.artifacts.media import label_of, list_files, media_of
from stageloom.artifacts.previews import preview_file
from stageloom.artifacts.values import save
from stageloom.rpc.messages import ArrayPreview, BinaryPreview, ImagePreview, TablePreview, TextPreview
from stageloom.rpc.wire import encode


@dataclass
class File:
    path: str
    size: int


@dataclass
class Manifest:
    files: list[File]


def manifest_of(tree: Path) -> Manifest:
    paths = sorted(path for path in tree.rglob("*") if path.is_file())
    return Manifest([File(path.relative_to(tree).as_posix(), path.stat().st_size) for path in paths])


def preview(tree: Path, path: str) -> Any:
    [file] = [file for file in list_files(manifest_of(tree)) if file.path == path]
    shown = preview_file(tree, file)
    encode(shown)
    assert shown.preview is not None, shown.failure
    return shown.preview


def test_files_are_listed_by_what_they_are(tmp_path: Path) -> None:
    save({"xs": np.arange(3), "f": pd.DataFrame({"a": [1]}), "n": 1}, tmp_path)
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "a.png").write_bytes(b"x")
    listed = [(file.path, file.label, file.media) for file in list_files(manifest_of(tmp_path))]
    assert listed == [
        ("return/value.json", "return value", "application/json"),
        ("return/f.table.npz", "f", "application/x-stageloom-table"),
        ("return/xs.npy", "xs", "application/x-npy"),
        ("plots/a.png", "plots/a.png", "image/png"),
    ]
    assert label_of("return/a.b.npy") == "a.b"
    assert media_of("X.JPG") == "image/jpeg"
    assert media_of("weights") == "application/octet-stream"


@pytest.mark.parametrize(
    ("value", "other", "expected"),
    [
        (np.arange(3), "", ["return/value.npy"]),
        (None, "plot.png", ["plot.png"]),
        (None, "", ["return/value.json"]),
        ([np.arange(3)], "", ["return/value.json", "return/0.npy"]),
        (PIL.Image.new("L", (2, 2)), "", ["return/value.png"]),
        (np.arange(3), "return/code.json", ["return/value.npy"]),
        ([1], "return/code.json", ["return/value.json"]),
    ],
)
def test_json_that_only_points_is_not_listed(value: object, other: str, expected: list[str], tmp_path: Path) -> None:
    save(value, tmp_path)
    if other:
        (tmp_path / other).write_bytes(b"x")
    assert [file.path for file in list_files(manifest_of(tmp_path))] == expected


def test_a_vector(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([0.5, np.nan, -2.0, np.inf]))
    assert preview(tmp_path, "a.npy") == ArrayPreview(
        (4,), "float64", -2.0, 0.5, -0.75, [["0.5", "nan", "-2", "inf"]], False, [0.5, None, -2.0, None]
    )


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_matrix_in_either_order(order: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asarray(np.arange(600, dtype=">i2").reshape(20, 30), order=order))
    shown = preview(tmp_path, "a.npy")
    assert (shown.shape, shown.dtype, shown.low, shown.high, shown.mean) == ((20, 30), "int16", 0, 599, 299.5)
    assert shown.rows[1][:3] == ["30", "31", "32"]
    assert (len(shown.rows), len(shown.rows[0]), shown.truncated, shown.line) == (12, 12, True, [])


def test_more_dimensions_in_fortran_order(tmp_path: Path) -> None:
    array = np.asfortranarray(np.arange(24).reshape(2, 3, 4))
    np.save(tmp_path / "a.npy", array)
    assert preview(tmp_path, "a.npy").rows == [[str(cell) for cell in row] for row in array.reshape(6, 4).tolist()]


@pytest.mark.parametrize(
    ("array", "dtype", "cells"),
    [
        (np.array([True, False]), "bool", ["True", "False"]),
        (np.array([1 + 2j, complex(0, -0.5)]), "complex128", ["1+2j", "0-0.5j"]),
        (np.array(["é", "abc"]), "<U3", ["é", "abc"]),
        (np.array([b"ab"]), "<S2", ["'ab'"]),
        (np.array(["2024-02-29", "NaT"], "M8[D]"), "datetime64[D]", ["2024-02-29", "NaT"]),
        (np.array(["2024-02-29T01:02:03.123456789"], "M8[ns]"), "datetime64[ns]", ["2024-02-29 01:02:03.123456"]),
        (np.array([5], "m8[s]"), "timedelta64[s]", ["5 s"]),
        (np.array([1.5, 2], np.float16), "float16", ["1.5", "2"]),
        (np.array(7, np.uint8), "uint8", ["7"]),
        (np.array([2**63], np.uint64), "uint64", [str(2**63)]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_types_of_elements(array: Any, dtype: str, cells: list[str], tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", array)
    shown = preview(tmp_path, "a.npy")
    assert (shown.dtype, shown.rows[0], shown.shape) == (dtype, cells, array.shape)


def test_records_and_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "r.npy", np.array([(1, 2.5), (3, 4.5)], np.dtype([("a", "i1"), ("b", "f8")], align=True)))
    shown = preview(tmp_path, "r.npy")
    assert shown.rows == [["1", "2.5"], ["3", "4.5"]]
    np.save(tmp_path / "e.npy", np.zeros((0, 3)))
    assert preview(tmp_path, "e.npy").rows == ()


def test_a_large_array_is_sampled_and_says_so(tmp_path: Path) -> None:
    count = shown_arrays.EXACT * 3
    np.save(tmp_path / "a.npy", np.linspace(0, 1, count))
    shown = preview(tmp_path, "a.npy")
    assert "of a sample" in shown.dtype
    assert (shown.low, shown.high, len(shown.line)) == (0, 1, 2000)
    assert shown.mean == pytest.approx(0.5, abs=1e-3)
    assert shown.line[-1] == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\x05\x00{}   ",
        b"\x93NUMPY\x01\x00\xff\xff{" + b"(" * 60000,
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
        b"\x93NUMPY\x01\x00\x46\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }".ljust(70),
        b"\x93NUMPY\x01\x00\x46\x00" + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(70),
    ],
)
def test_damaged_arrays_are_dumped(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(data)
    shown = preview(tmp_path, "a.npy")
    assert isinstance(shown, BinaryPreview)
    assert "cannot be shown" in shown.note


def test_archives(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", xs=np.arange(10), one=np.float32(2))
    assert preview(tmp_path, "a.npz") == TablePreview(
        ("array", "dtype", "shape", "first values"),
        [["xs", "int64", "10", "0, 1, 2, 3, 4, 5, …"], ["one", "float32", "scalar", "2"]],
        2,
    )
    (tmp_path / "b.npz").write_bytes(b"no zip")
    assert isinstance(preview(tmp_path, "b.npz"), BinaryPreview)


def test_tables(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": range(100),
            "s": ["é", None] * 50,
            "k": pd.Categorical(["b", "a"] * 50),
            "i": pd.array([1, None] * 50, "Int64"),
            "t": pd.date_range("2024-01-01", periods=100, tz="UTC"),
        }
    )
    save(frame, tmp_path)
    shown = preview(tmp_path, "return/value.table.npz")
    assert shown.columns == ["", "n", "s", "k", "i", "t"]
    assert shown.total == 100
    assert len(shown.rows) == 50
    assert shown.rows[1][:5] == ["1", "1", "", "a", ""]
    assert shown.rows[1][5] == "2024-01-02 00:00:00"
    (tmp_path / "return" / "value.table.npz").write_bytes(b"no zip")
    assert isinstance(preview(tmp_path, "return/value.table.npz"), BinaryPreview)


def test_series_and_several_levels(tmp_path: Path) -> None:
    index = pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["p", "q"])
    save({"s": pd.Series([1.5, 2.5], index, name="price")}, tmp_path)
    assert preview(tmp_path, "return/s.table.npz") == TablePreview(
        ["p", "q", "price"], [["a", "1", "1.5"], ["b", "2", "2.5"]], 2
    )


def test_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    assert preview(tmp_path, "a.svg") == ImagePreview("image/svg+xml", base64.b64encode(b"<svg/>").decode())


def test_return_values_as_json(tmp_path: Path) -> None:
    save({"xs": np.arange(2), "t": (1, 2), "s": np.float64(1.5), 3: {1}}, tmp_path)
    text = preview(tmp_path, "return/value.json").text
    assert '"xs": "→ xs.npy"' in text
    assert '"3": [' in text
    assert "$" not in text
    (tmp_path / "other").mkdir()
    save({"m": scipy.sparse.eye_array(3, 4), "p": PIL.Image.new("L", (1, 1))}, tmp_path / "other")
    text = preview(tmp_path / "other", "return/value.json").text
    assert '"dia_array of 3 by 4": {' in text
    assert '"data": "→ m.data.npy"' in text
    assert '"p": "→ p.png"' in text


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.json", b'{"b":[1]}', TextPreview('{\n  "b": [\n    1\n  ]\n}', "json", False)),
        ("a.json", b"{broken", TextPreview("{broken", "json", False)),
        ("a.md", "é".encode(), TextPreview("é", "markdown", False)),
        ("a.txt", "é".encode("utf-16"), TextPreview("é", "plaintext", False)),
        ("a.txt", "é".encode("cp1252"), TextPreview("é", "plaintext", False)),
        ("log", b"\x1b[31mred\x1b[0m\r\n", TextPreview("\x1b[31mred\x1b[0m\r\n", "plaintext", False)),
        ("a.csv", b"a;b\n1;x y\n", TablePreview(["a", "b"], [["1", "x y"]], 1)),
        ("a.tsv", b"a\tb\n", TablePreview(["a", "b"], [], 0)),
        ("a.csv", b'a,b\n"1,5",""\n', TablePreview(["a", "b"], [["1,5", ""]], 1)),
        ("a.csv", b"", TextPreview("", "plaintext", False)),
    ],
)
def test_text(name: str, data: bytes, expected: object, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    assert preview(tmp_path, name) == expected


def test_what_is_long_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("é" * 300_000, "utf-8")
    shown = preview(tmp_path, "a.txt")
    assert shown.truncated
    assert len(shown.text) == 128 * 1024
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 100_000)
    assert preview(tmp_path, "a.csv").total is None


class Bomb:
    def __reduce__(self) -> Any:
        return os._exit, (3,)


@pytest.mark.parametrize("name", ["a.pickle", "a.npy", "a.npz", "a.json", "a.parquet", "a"])
def test_a_pickle_is_never_opened(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    assert isinstance(preview(tmp_path, name), BinaryPreview)
    np.save(tmp_path / "o.npy", np.array([Bomb()], object))
    assert isinstance(preview(tmp_path, "o.npy"), BinaryPreview)


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1, 2], "b": ["x", None]}).to_parquet(tmp_path / "a.parquet")
    assert preview(tmp_path, "a.parquet") == TablePreview(["a", "b"], [["1", "x"], ["2", ""]], 2)


def test_a_file_that_is_gone_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    [file] = list_files(manifest_of(tmp_path))
    (tmp_path / "a.txt").unlink()
    shown = preview_file(tmp_path, file)
    assert shown.preview is None
    assert shown.failure is not None
    assert shown.failure.kind == "damaged"


def test_previews_need_no_package(tmp_path: Path) -> None:
    save({"xs": np.arange(5.0), "f": pd.DataFrame({"a": [1]})}, tmp_path)
    (tmp_path / "a.png").write_bytes(zlib.compress(b"x"))
    source = Path(shown_arrays.__file__).resolve().parents[2]
    code = f"""
import sys
sys.path.insert(0, {str(source)!r}); sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from stageloom.artifacts.media import media_of
from stageloom.artifacts.previews import preview_file
from stageloom.rpc.messages import ArtifactFile
for name in ("return/xs.npy", "return/f.table.npz", "return/value.json", "a.png"):
    shown = preview_file(Path({str(tmp_path)!r}), ArtifactFile(name, 1, name, media_of(name)))
    print(shown.preview.is_)
assert "numpy" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["array", "table", "text", "image"]


@dataclass
class Point:
    x: float
    name: str


@pytest.mark.parametrize(
    ("records", "columns", "rows"),
    [
        ([{"a": 1, "b": "x"}, {"a": 2.5, "b": None}], ["a", "b"], [["1", "x"], ["2.5", "null"]]),
        ([{"a": 1, "b": True}, {"b": [1, 2], "c": "z"}], ["a", "b", "c"], [["1", "true", ""], ["", "[1, 2]", "z"]]),
        ([Point(0.5, "here"), Point(1.0, "there")], ["x", "name"], [["0.5", "here"], ["1.0", "there"]]),
        ([{"text": "x" * 300}], ["text"], [["x" * 199 + "…"]]),
    ],
    ids=["alike", "with gaps", "dataclasses", "long"],
)
def test_records_are_a_table(records: list[object], columns: list[str], rows: list[list[str]], tmp_path: Path) -> None:
    save(records, tmp_path)
    assert preview(tmp_path, "return/value.json") == TablePreview(columns, rows, len(records))


def test_of_many_records_the_first_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"n": n} for n in range(1000)]), encoding="utf-8")
    shown = preview(tmp_path, "a.json")
    assert (len(shown.rows), shown.total, shown.rows[-1]) == (50, 1000, ["49"])


@pytest.mark.parametrize(
    "value",
    [[], {}, [1, 2], [{}], [{"a": 1}, 2], [{"a": {"b": 1}}], [{"a": [1]}, {"a": [2]}], [{f"{n}": n} for n in range(9)]],
    ids=repr,
)
def test_what_is_no_table_stays_json(value: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value), encoding="utf-8")
    assert preview(tmp_path, "a.json") == TextPreview(json.dumps(value, indent=2), "json", truncated=False)
