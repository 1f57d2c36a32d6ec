"""One kind of archive for this face, the other and the command line; what is no part of a tree travels, too."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from old_archive import old_spack

from stageloom.pylightnix import (
    Build,
    CheckError,
    DRef,
    Registry,
    RRef,
    StorageSettings,
    allrrefs,
    build_outpath,
    build_wrapper,
    drefcfg,
    fsinit,
    instantiate,
    match_only,
    mkconfig,
    mkdrv,
    mkSS,
    realize1,
    rref2dref,
    rref2path,
    spack,
    sunpack,
)
from stageloom.pylightnix import Path as FacePath
from stageloom.store.parcel import Card, RefusedError, card_name
from stageloom.store.store import Store


def storage(folder: Path) -> StorageSettings:
    S = mkSS(str(folder))
    fsinit(S)
    return S


def stage(r: Registry) -> DRef:
    def make(b: Build) -> None:
        folder = Path(build_outpath(b))
        (folder / "kept.txt").write_text("kept")
        (folder / "_log.txt").write_text("said")
        (folder / "deep").mkdir()
        (folder / "deep" / "_note.txt").write_text("noted")
        (folder / "empty").mkdir()

    return mkdrv(mkconfig({"name": "zeta", "alpha": 1}), match_only(), build_wrapper(make), r)


def whole(rref: RRef, S: StorageSettings) -> dict[str, str]:
    folder = Path(rref2path(rref, S))
    return {
        path.relative_to(folder).as_posix(): path.read_text() if path.is_file() else "folder"
        for path in folder.rglob("*")
    }


def carry_by_face(S: StorageSettings, rref: RRef, archive: Path, folder: Path) -> None:
    spack([rref], FacePath(archive), S)
    sunpack(FacePath(archive), storage(folder))


def carry_as_it_once_was(S: StorageSettings, rref: RRef, archive: Path, folder: Path) -> None:
    old_spack([rref], archive, S)
    sunpack(FacePath(archive), storage(folder))


def carry_by_command_line(S: StorageSettings, rref: RRef, archive: Path, folder: Path) -> None:
    from stageloom.pylightnix.references import model_rref
    from stageloom.pylightnix.storage import opened

    opened(S).store.pack([model_rref(rref)], archive)
    with Store.open(opened(storage(folder)).store.path) as store:
        assert len(store.unpack(archive)[1].added) == 1
        assert store.verify() == []


def carry_from_command_line_to_face(S: StorageSettings, rref: RRef, archive: Path, folder: Path) -> None:
    from stageloom.pylightnix.references import model_rref
    from stageloom.pylightnix.storage import opened

    opened(S).store.pack([model_rref(rref)], archive)
    sunpack(FacePath(archive), storage(folder))


@pytest.mark.parametrize(
    "carry", [carry_by_face, carry_as_it_once_was, carry_by_command_line, carry_from_command_line_to_face]
)
def test_all_that_a_realization_has_travels(carry, tmp_path: Path) -> None:
    S = storage(tmp_path / "from")
    rref = realize1(instantiate(stage, S=S))
    before = whole(rref, S)
    assert before["_log.txt"] == "said"
    carry(S, rref, tmp_path / "a.zip", tmp_path / "to")
    D = mkSS(str(tmp_path / "to"))
    assert list(allrrefs(D)) == [rref]
    assert whole(rref, D) == before
    assert list(drefcfg(rref2dref(rref), D).val) == ["name", "alpha"], "the order of keys, too"
    sunpack(FacePath(tmp_path / "a.zip"), D)
    assert whole(rref, D) == before


@pytest.mark.parametrize(
    "name", ["beside/../../evil", "beside/a\\b", "beside/con", "beside//x", "beside/a/../../../evil"]
)
def test_names_beside_that_leave_their_folder_are_refused(name: str, tmp_path: Path) -> None:
    from stageloom.pylightnix.references import model_rref

    S = storage(tmp_path / "from")
    rref = realize1(instantiate(stage, S=S))
    spack([rref], FacePath(tmp_path / "a.zip"), S)
    with zipfile.ZipFile(tmp_path / "a.zip") as good:
        members = {one: good.read(one) for one in good.namelist()}
    at = card_name(model_rref(rref))
    card = Card.parse(members[at])
    told = card.beside["beside/_log.txt"]
    members[at] = members[at].replace(b'"beside/_log.txt"', b'"%b"' % name.replace("\\", "\\\\").encode())
    assert Card.parse(members[at]).beside[name] == told
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
        for one, data in members.items():
            bad.writestr(one, data)
    D = storage(tmp_path / "to")
    with pytest.raises(CheckError):
        sunpack(FacePath(tmp_path / "bad.zip"), D)
    with Store.open(tmp_path / "other") as store, pytest.raises(RefusedError):
        store.unpack(tmp_path / "bad.zip")
    assert list(allrrefs(D)) == []
    assert not list(tmp_path.rglob("*evil*"))
