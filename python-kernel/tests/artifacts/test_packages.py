"""Values of other packages: tables, models, and types of the user's own."""

from __future__ import annotations

import importlib
import json
import os
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from stageloom import Codec
from stageloom.artifacts import codecs
from stageloom.artifacts.errors import MissingFileError, UnloadableError, UnstorableError
from stageloom.artifacts.media import list_files, media_of
from stageloom.artifacts.previews import preview_file
from stageloom.artifacts.values import load, save
from stageloom.rpc.messages import ArtifactFile, BinaryPreview, TablePreview
from stageloom.rpc.wire import encode


def again(value: object, out: Path, **options: Any) -> Any:
    assert save(value, out) == ()
    return load(out, **options)


def files(out: Path) -> dict[str, bytes]:
    return {name: (out / "return" / name).read_bytes() for name in sorted(os.listdir(out / "return"))}


TABLE = pa.table(
    {
        "n": [1, None, 3],
        "text": ["a", None, "é"],
        "list": [[1], [], None],
        "when": pa.array([0, 1, 2], pa.timestamp("us", "UTC")),
    }
)
FRAMES = [
    TABLE, TABLE.slice(1, 1), pa.table({}), TABLE.to_batches()[0], pa.RecordBatch.from_pylist([], schema=TABLE.schema),
    pa.table({"c": pa.array(["x", "y", "x"]).dictionary_encode()}), TABLE.replace_schema_metadata({"made": "here"}),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FRAMES)))
def test_arrow(number: int, tmp_path: Path) -> None:
    back = again(FRAMES[number], tmp_path)
    assert type(back) is type(FRAMES[number])
    assert back.equals(FRAMES[number], check_metadata=True)


def test_arrow_tables_that_are_equal_are_stored_equal(tmp_path: Path) -> None:
    pieces = pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])
    for name, value in {"a": TABLE, "b": pieces}.items():
        save(value, tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")


POLARS = [
    pl.DataFrame({"n": [1, None, 3], "text": ["a", None, "é"], "deep": [[1], [], None]}),
    pl.DataFrame({"kind": pl.Series(["x", "y", "x"], dtype=pl.Categorical), "flag": [True, None, False]}),
    pl.DataFrame(),
    pl.Series("s", [1.5, None]),
]


@pytest.mark.parametrize("number", range(len(POLARS)))
def test_polars(number: int, tmp_path: Path) -> None:
    back = again(POLARS[number], tmp_path)
    assert type(back) is type(POLARS[number])
    assert back.equals(POLARS[number])
    assert getattr(back, "schema", back.dtype if isinstance(back, pl.Series) else None) == getattr(
        POLARS[number], "schema", getattr(POLARS[number], "dtype", None)
    )


def test_polars_frames_that_are_equal_are_stored_equal(tmp_path: Path) -> None:
    whole = pl.DataFrame({"text": [f"row number {n}" for n in range(9)]})
    for name, value in {
        "a": whole,
        "b": pl.concat([whole[:4], whole[4:]], rechunk=False),
        "c": whole.filter(pl.col("text") != ""),
    }.items():
        save(value, tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b") == files(tmp_path / "c")


def test_objects_in_a_polars_frame(tmp_path: Path) -> None:
    frame = pl.DataFrame({"o": pl.Series([{1}, {2}], dtype=pl.Object)})
    with pytest.raises(UnstorableError, match="the return value holds objects in the column 'o'"):
        save(frame, tmp_path)


def test_large_tables_are_mapped(tmp_path: Path) -> None:
    numbers = np.arange(300_000)
    before = pa.total_allocated_bytes()
    back = again({"arrow": pa.table({"n": numbers}), "polars": pl.DataFrame({"n": numbers})}, tmp_path)
    assert pa.total_allocated_bytes() - before < numbers.nbytes // 2
    assert back["arrow"]["n"].to_pylist()[-1] == back["polars"]["n"][-1] == 299_999


def test_arrays_within_what_is_pickled_are_files(tmp_path: Path) -> None:
    inner = np.arange(2000.0)
    [warning] = save({"it": Holder([inner, inner], "n")}, tmp_path)
    assert "stored as a pickle" in warning
    assert sorted(files(tmp_path)) == ["it.0.npy", "it.pickle", "value.json"]
    back: Any = load(tmp_path)
    first, second = back["it"].parts
    assert first is second
    np.testing.assert_array_equal(first, inner)
    first[0] = 7  # a stage may change what it was given
    assert np.load(tmp_path / "return" / "it.0.npy")[0] == 0


class Holder:
    def __init__(self, parts: list[Any], note: str) -> None:
        self.parts, self.note = parts, note


# --- types of the user's own ------------------------------------------------------------------------------------

OWN = """
from pathlib import Path
from stageloom import Codec

class Molecule:
    def __init__(self, atoms): self.atoms = atoms

class Ion(Molecule): pass

class MoleculeFile(Codec[Molecule], of=Molecule, suffix=".mol"):
    def save(self, value, path): path.write_text(" ".join(value.atoms))
    def load(self, path): return Molecule(path.read_text().split())

class Heap: pass

class HeapFolder(Codec[Heap], of=Heap, suffix=""):
    def save(self, value, path):
        path.mkdir()
        (path / "one").write_text("1")
    def load(self, path):
        assert (path / "one").read_text() == "1"
        return Heap()

class Lazy: pass

class LazyFile(Codec[Lazy], of=Lazy):
    def save(self, value, path): pass
    def load(self, path): pass
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "own_types.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("own_types")
    del sys.modules["own_types"]


def test_own_types(own: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    back = again({"water": own.Molecule(["H", "H", "O"]), "heap": own.Heap(), "ion": own.Ion(["Na"])}, out)
    assert (back["water"].atoms, type(back["heap"]), back["ion"].atoms) == (["H", "H", "O"], own.Heap, ["Na"])
    assert (out / "return" / "water.mol").read_text() == "H H O"
    assert json.loads((out / "return" / "value.json").read_text())["water"] == {
        "$codec": "own_types:MoleculeFile", "file": "water.mol",
    }  # fmt: skip


def test_the_code_of_a_codec_is_part_of_the_tree(own: Any, tmp_path: Path) -> None:
    save(own.Molecule(["H"]), tmp_path / "out", lambda module, name: f"<{module}:{name}>")
    assert json.loads((tmp_path / "out" / "return" / "code.json").read_text()) == {
        "own_types:MoleculeFile": "<own_types:MoleculeFile>"
    }


def test_a_codec_that_writes_nothing(own: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"the return value\['x'\] is a Lazy, and LazyFile.save did not write"):
        save({"x": own.Lazy()}, tmp_path / "out")


def test_a_codec_that_cannot_load(own: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    save(own.Molecule(["H"]), out)
    (out / "return" / "value.mol").write_bytes(b"\xff")
    with pytest.raises(UnloadableError, match=r"own_types:MoleculeFile could not load value.mol: UnicodeDecodeError"):
        load(out)
    own.MoleculeFile = int
    with pytest.raises(UnloadableError, match="no codec any more"):
        load(out)


@pytest.mark.parametrize("suffix", ["mol", ".a/b", ". ", "../x"])
def test_a_codec_with_a_bad_suffix(own: Any, suffix: str) -> None:
    codec = own.MoleculeFile.__bases__[0]
    with pytest.raises(TypeError, match=r"is like '\.mol'"):
        type("Bad", (codec,), {}, suffix=suffix)


class ParquetFile(Codec[pd.DataFrame], suffix=".parquet"):
    def save(self, value: pd.DataFrame, path: Path) -> None:
        value.to_parquet(path)

    def load(self, path: Path) -> pd.DataFrame:
        return pd.read_parquet(path)


def test_a_codec_comes_before_what_is_built_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codecs._CODECS, pd.DataFrame, ParquetFile)
    back = again(pd.DataFrame({"a": [1]}), tmp_path)
    assert back.equals(pd.DataFrame({"a": [1]}))
    assert "value.parquet" in files(tmp_path)


# --- models ----------------------------------------------------------------------------------------------------


def test_torch(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not in this environment (stageloom[train] brings it)")
    tied = torch.nn.Linear(64, 64, bias=False)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), tied, torch.nn.BatchNorm1d(64))
    model.append(torch.nn.Linear(64, 64, bias=False))
    model[3].weight = tied.weight
    half = torch.arange(5, dtype=torch.bfloat16)
    value = {
        "model": model,
        "half": half,
        "part": torch.arange(12).reshape(3, 4).T,
        "grad": torch.ones(2, requires_grad=True),
    }
    back = again(value, tmp_path / "a")
    assert back["half"].dtype == torch.bfloat16
    assert torch.equal(back["half"], half)
    assert torch.equal(back["part"], value["part"])
    assert back["grad"].requires_grad
    state = model.state_dict()
    assert all(torch.equal(found, state[name]) for name, found in back["model"].state_dict().items())
    assert back["model"][3].weight is back["model"][1].weight
    assert "model.0.weight.npy" in files(tmp_path / "a")
    save(value, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_keras(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch, which Keras runs on here, is not in this environment")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="keras is not in this environment")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
    back = again(model, tmp_path / "a")
    np.testing.assert_allclose(back.predict(np.ones((2, 4)), verbose=0), model.predict(np.ones((2, 4)), verbose=0))
    save(model, tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")


# --- previews -----------------------------------------------------------------------------------------------------


def shown(tree: Path, name: str) -> Any:
    file = ArtifactFile(f"return/{name}", 0, name, media_of(name))
    told = preview_file(tree, file)
    encode(told)
    return told.preview


@pytest.mark.parametrize("made", ["arrow", "polars"])
def test_a_table_is_shown(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"n": list(range(100_000)), "text": [None, *("x" for _ in range(99_999))]}
    save(pa.table(columns) if made == "arrow" else pl.DataFrame(columns), tmp_path)
    expected = TablePreview(["n", "text"], [["0", ""], *([str(n), "x"] for n in range(1, 50))], 100_000)
    assert shown(tmp_path, "value.arrow") == expected
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert shown(tmp_path, "value.arrow") == expected
    monkeypatch.setitem(sys.modules, "polars", None)
    assert "pyarrow or polars" in shown(tmp_path, "value.arrow").note


def test_an_empty_table_is_shown(tmp_path: Path) -> None:
    save(TABLE.slice(0, 0), tmp_path)
    assert shown(tmp_path, "value.arrow") == TablePreview(["n", "text", "list", "when"], [], 0)


@pytest.mark.parametrize("value", [TABLE, TABLE.to_batches()[0], *POLARS[2:]], ids=lambda value: type(value).__module__)
def test_json_that_only_points_at_a_table_is_not_listed(value: object, tmp_path: Path) -> None:
    save(value, tmp_path)
    files = [
        SimpleNamespace(path=f"return/{one.name}", size=one.stat().st_size) for one in (tmp_path / "return").iterdir()
    ]
    assert [file.path for file in list_files(SimpleNamespace(files=files))] == ["return/value.arrow"]


def test_hdf5_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "return"
    folder.mkdir()
    with h5py.File(folder / "a.h5", "w") as file:
        file["x"] = np.arange(20.0).reshape(2, 10)
        file["deep/down/text"] = "hello"
        file["deep/none"] = np.zeros((0, 3), np.int8)
        file["deep/self"] = file["deep"]
        file["soft"] = h5py.SoftLink("/nowhere")
        file["other"] = h5py.ExternalLink("/etc/passwd", "/")
        file["nothing"] = h5py.Empty("f4")
    table = shown(tmp_path, "a.h5")
    assert table.columns == ["name", "shape", "dtype", "first values"]
    assert ["x", "2 x 10", "float64", "0.0, 1.0, 2.0, 3.0, 4.0, 5.0, …"] in table.rows
    assert ["deep/none", "0 x 3", "int8", ""] in table.rows
    assert any(row[:2] == ["deep/down/text", "one value"] and "hello" in row[3] for row in table.rows)
    assert not any(row[0].startswith(("soft", "other")) for row in table.rows)


def test_safetensors_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "return"
    folder.mkdir()
    header = {"__metadata__": {"format": "pt"}, "w": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}
    text = json.dumps(header).encode()
    (folder / "a.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + bytes(12))
    assert shown(tmp_path, "a.safetensors") == TablePreview(["name", "shape", "dtype"], [["w", "2 x 3", "BF16"]], 1)


@pytest.mark.parametrize("name", ["a.arrow", "a.h5", "a.safetensors", "a.keras"])
@pytest.mark.parametrize("data", [b"", b"PK", b"\xff" * 64, b"ARROW1\0\0" + b"\1" * 40, b"\x02\0\0\0\0\0\0\0[]"])
def test_what_is_damaged_is_shown_as_bytes(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "return").mkdir()
    (tmp_path / "return" / name).write_bytes(data)
    assert isinstance(shown(tmp_path, name), BinaryPreview)


def test_a_keras_model_is_shown(tmp_path: Path) -> None:
    (tmp_path / "return").mkdir()
    layer = {"class_name": "Dense", "config": {"name": "first", "units": 3, "kernel_initializer": {}}}
    with zipfile.ZipFile(tmp_path / "return" / "a.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"class_name": "Sequential", "config": {"layers": [layer]}}))
    assert shown(tmp_path, "a.keras") == TablePreview(
        ["layer", "class", "settings"], [["first", "Dense", "units=3"]], 1
    )
