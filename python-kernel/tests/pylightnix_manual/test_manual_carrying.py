"""Archives and downloads, good and bad."""

from __future__ import annotations

import bz2
import hashlib
import http.server
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from manual_story import RAN, stage_all
from old_manual_archive import old_pack

from stageloom.pylightnix import manual as pl
from stageloom.pylightnix.manual import BadArchiveError, FetchError, fetchurl, mklens
from stageloom.pylightnix.manual_types import model_rref
from stageloom.store.errors import StoreError
from stageloom.store.store import Store


@pytest.fixture
def archive(S: pl.StorageSettings, tmp_path: Path) -> Path:
    """An archive of the story's plot."""
    path = tmp_path / "archive.zip"
    pl.pack([pl.realize(pl.instantiate(stage_all, S=S))], str(path), S=S)
    return path


@pytest.fixture
def old(S: pl.StorageSettings, tmp_path: Path) -> Path:
    """The same, as this face wrote archives once."""
    path = tmp_path / "old.zip"
    old_pack([pl.realize(pl.instantiate(stage_all, S=S))], str(path), S)
    return path


def changed(archive: Path, change) -> Path:
    """Return a copy of ``archive`` whose files, by name, ``change`` has changed."""
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    target = archive.with_name("changed.zip")
    with zipfile.ZipFile(target, "w") as new:
        for name, content in files.items():
            new.writestr(name, content)
    return target


def test_an_archive_brings_all_that_something_was_made_from(archive: Path, S: pl.StorageSettings) -> None:
    rrefs = pl.unpack(str(archive))
    assert rrefs == list(pl.allrrefs(S)) == list(pl.allrrefs())
    assert list(pl.drefcfg_(pl.rref2dref(rrefs[-1])).val) == ["name", "out", "ref_anneal"]
    times = [Path(pl.rref2path(rrefs[-1], each), "__buildstart__.txt").read_text() for each in (S, None)]
    assert times[0] == times[1]
    assert pl.unpack(str(archive)) == rrefs  # again: nothing to do
    RAN.clear()
    assert pl.realize(pl.instantiate(stage_all)) == rrefs[-1]
    assert RAN == []


def test_an_archive_of_an_older_version_is_taken_in(old: Path, S: pl.StorageSettings) -> None:
    rrefs = pl.unpack(str(old))
    assert rrefs == list(pl.allrrefs(S)) == list(pl.allrrefs())
    assert list(pl.drefcfg_(pl.rref2dref(rrefs[-1])).val) == ["name", "out", "ref_anneal"]


def test_the_command_line_takes_in_what_was_packed(archive: Path, S: pl.StorageSettings, tmp_path: Path) -> None:
    with Store.open(tmp_path / "other") as store:
        roots, received = store.unpack(archive)
        assert list(map(str, roots)) == list(map(str, received.added)) == list(pl.allrrefs(S))
        assert store.verify() == []


def test_an_archive_of_the_command_lines_is_taken_in(S: pl.StorageSettings, tmp_path: Path) -> None:
    rref = pl.realize(pl.instantiate(stage_all, S=S))
    with Store.open(S.storage) as store:
        store.pack([model_rref(rref)], tmp_path / "a.zip")
    assert pl.unpack(str(tmp_path / "a.zip")) == [rref]
    assert sorted(pl.allrrefs()) == sorted(pl.allrrefs(S))


def test_packing_what_is_not_there(S: pl.StorageSettings, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        pl.pack([pl.mkrref("0" * 32, "1" * 32, "x")], str(tmp_path / "a.zip"), S=S)
    assert list(tmp_path.glob("a.zip*")) == []


def first(files: dict[str, bytes], ending: str) -> str:
    return next(name for name in files if name.endswith(ending))


def rewrite(change):
    def rewritten(files: dict[str, bytes]) -> None:
        listed = json.loads(files["realizations.json"])
        change(listed)
        files["realizations.json"] = json.dumps(listed).encode()

    return rewritten


BAD = {
    "another content": lambda files: files.update({first(files, "params.json"): b"[2, 3, 8]"}),
    "another size": lambda files: files.update({first(files, "params.json"): b"[2]"}),
    "a missing file": lambda files: files.pop(first(files, "params.json")),
    "no list": lambda files: files.pop("realizations.json"),
    "a broken list": lambda files: files.update({"realizations.json": b"{"}),
    "another list": lambda files: files.update({"realizations.json": b"[]"}),
    "a newer format": rewrite(lambda listed: listed.update(format=2)),
    "entries of another kind": rewrite(lambda listed: listed.update(realizations={})),
    "another reference": rewrite(
        lambda listed: listed["realizations"][0].update(rref="rref:" + "0" * 32 + "-" + "0" * 32 + "-params")
    ),
    "no reference": rewrite(lambda listed: listed["realizations"][0].update(rref="../..")),
    "another configuration": rewrite(
        lambda listed: listed["realizations"][0]["derivation"]["configuration"].update(a=1)
    ),
    "a path that leaves": rewrite(lambda listed: listed["realizations"][0]["files"][0].__setitem__(0, "../../evil")),
    "what it was made from is missing": rewrite(lambda listed: listed["realizations"].pop(0)),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_archive_is_refused(old: Path, what: str, place: Path) -> None:
    with pytest.raises(BadArchiveError):
        pl.unpack(str(changed(old, BAD[what])))
    assert list(pl.allrrefs()) == []
    assert not (place / "evil").exists()


def test_what_is_no_archive(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("no zip")
    with pytest.raises(BadArchiveError):
        pl.unpack(str(tmp_path / "x.zip"))
    whole = archive.read_bytes()
    for end in range(0, len(whole), max(1, len(whole) // 40)):
        (tmp_path / "x.zip").write_bytes(whole[:end])
        with pytest.raises(BadArchiveError):
            pl.unpack(str(tmp_path / "x.zip"))
    assert list(pl.allrrefs()) == []
    with pytest.raises(FileNotFoundError):
        pl.unpack(str(tmp_path / "nothing.zip"))


# --- fetchurl ------------------------------------------------------------------------------------------------------


def tar_of(**files: bytes | str | None) -> bytes:
    """Return a tar.gz of files: bytes a file, a text a link, None a pipe."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name.replace("__", "/"))
            if isinstance(content, bytes):
                member.size = len(content)
                member.mode = 0o755 if name.endswith("configure") else 0o644
                archive.addfile(member, io.BytesIO(content))
            else:
                member.type = tarfile.FIFOTYPE if content is None else tarfile.SYMTYPE
                member.linkname = content or ""
                archive.addfile(member)
    return out.getvalue()


class Served:
    """A web server of this test's own; ``ranges`` holds what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ranges: list[str | None] = []
        self.break_after: int | None = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = outer.files.get(self.path)
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                if content is None:
                    self.send_error(404)
                    return
                begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
                if begin >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(content) - begin))
                self.end_headers()
                self.wfile.write(content[begin:][: outer.break_after])

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, name: str, content: bytes) -> dict[str, str]:
        self.files[f"/{name}"] = content
        return {"url": f"{self.address}/{name}", "sha256": hashlib.sha256(content).hexdigest()}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served()
    yield server
    server.close()


def test_a_download_is_checked_and_unpacked(served: Served) -> None:
    content = tar_of(hello__configure=b"#!/bin/sh\n", hello__src__a_c=b"int x;", hello__link="src/a_c")
    found = served.put("hello-2.10.tar.gz", content)
    rref = pl.realize(pl.instantiate(fetchurl, name="hello-src", **found))
    folder = Path(mklens(rref).syspath)
    assert (folder / "hello" / "src" / "a_c").read_bytes() == (folder / "hello" / "link").read_bytes() == b"int x;"
    assert not (folder / "hello-2.10.tar.gz").exists()
    assert mklens(rref).name.val == "hello-src"
    assert mklens(rref).url.val == found["url"]
    assert mklens(rref).sha256.val == found["sha256"]
    assert pl.realize(pl.instantiate(fetchurl, name="hello-src", **found)) == rref
    assert served.ranges == [None]


def test_a_file_is_kept_as_it_is(served: Served) -> None:
    found = served.put("data.csv", b"1,2")
    rref = pl.realize(pl.instantiate(fetchurl, mode="", filename="d.csv", **found, output=[pl.selfref, "d.csv"]))
    assert mklens(rref).out_path.contents == mklens(rref).output.contents == "1,2"
    sha1 = hashlib.sha1(b"1,2").hexdigest()
    assert pl.realize(pl.instantiate(fetchurl, found["url"], sha1=sha1, mode="", force_download=True)) != rref


@pytest.mark.parametrize("kind", ["zip", "bz2", "keep"])
def test_other_archives(served: Served, kind: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a/", "")
        archive.writestr("a/b.txt", "inside")
    name, content, path = {
        "zip": ("x.zip", out.getvalue(), "a/b.txt"),
        "bz2": ("b.txt.bz2", bz2.compress(b"inside"), "b.txt"),
        "keep": ("x.zip", out.getvalue(), "a/b.txt"),
    }[kind]
    mode = "unpack" if kind == "keep" else "unpack,remove"
    folder = Path(mklens(pl.realize(pl.instantiate(fetchurl, mode=mode, **served.put(name, content)))).syspath)
    assert (folder / path).read_text() == "inside"
    assert (folder / name).exists() == (kind == "keep")


def test_a_download_goes_on_where_it_stopped(served: Served) -> None:
    content = os.urandom(100_000)
    found = served.put("x.bin", content)
    closure = pl.instantiate(fetchurl, mode="", **found)
    served.break_after = 60_000
    with pytest.raises(FetchError):
        pl.realize(closure)
    served.break_after = None
    rref = pl.realize(closure)
    assert Path(mklens(rref).out_path.syspath).read_bytes() == content
    assert served.ranges[-1] is not None
    assert list(Path(pl.fstmpdir()).iterdir()) == []


def test_what_has_another_hash_is_not_kept(served: Served) -> None:
    found = served.put("x.bin", b"good")
    served.files["/x.bin"] = b"evil"
    closure = pl.instantiate(fetchurl, mode="", **found)
    with pytest.raises(FetchError, match="was expected"):
        pl.realize(closure)
    assert list(pl.allrrefs()) == []
    served.files["/x.bin"] = b"good"
    assert pl.realize(closure)


EVIL = {
    "above": tar_of(**{"..__evil": b"x"}),
    "absolute": tar_of(**{"__tmp__stageloom-evil": b"x"}),
    "a link out": tar_of(link="../../evil", link__x=b"x"),
    "a pipe": tar_of(pipe=None),
    "no archive": b"just text",
}


@pytest.mark.parametrize("what", EVIL)
def test_a_dangerous_archive_is_refused(served: Served, what: str, place: Path) -> None:
    with pytest.raises(FetchError):
        pl.realize(pl.instantiate(fetchurl, **served.put("x.tar.gz", EVIL[what])))
    assert list(pl.allrrefs()) == []
    assert list(place.rglob("*evil*")) == []


def test_fetching_what_cannot_be(served: Served) -> None:
    with pytest.raises(FetchError, match="404"):
        pl.realize(pl.instantiate(fetchurl, f"{served.address}/no.txt", sha256="0" * 64, mode=""))
    for arguments, said in (
        ({"url": "http://x/a.txt"}, "takes sha256"),
        ({"url": "http://x/a.txt", "sha256": "0", "sha1": "0"}, "takes sha256"),
        ({"url": "http://x/", "sha256": "0"}, "pass filename"),
        ({"url": "http://x/a", "sha256": "0", "filename": "../a"}, "pass filename"),
    ):
        with pytest.raises(pl.UsageError, match=said):
            pl.instantiate(fetchurl, **arguments)
