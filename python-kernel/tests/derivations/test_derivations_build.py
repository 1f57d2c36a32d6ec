from __future__ import annotations

import json
from pathlib import Path

import pytest

from stageloom.derivations import (
    Build,
    BuildError,
    Config,
    DRef,
    build_config,
    build_outpath,
    build_path,
    build_wrapper,
    mkconfig,
    mklens,
    selfref,
)
from stageloom.derivations.build import Chosen, MissingOutputError, check_promises
from stageloom.derivations.configuration import dependencies
from stageloom.model.objects import Derivation, Record


def derive(config: Config) -> Derivation:
    return Derivation(config.name, "derivation", config.value, dependencies(config.value))


@pytest.fixture
def built(tmp_path: Path) -> Build:
    """``plot`` in the making, which depends on ``anneal``, which depended on ``params``."""
    params = mkconfig({"name": "params", "out": [selfref, "params.txt"]})
    anneal = mkconfig({"name": "anneal", "params": derive(params).dref, "maxiter": 500, "out": [selfref, "trace.txt"]})
    plot = mkconfig(
        {
            "name": "plot",
            "anneal": derive(anneal).dref,
            "trace": [derive(anneal).dref, "trace.txt"],
            "size": {"width": 7, "val": 1},
            "labels": ["a", "b"],
            "picture": [selfref, "sub", "plot.txt"],
        }
    )
    plans = {derive(one).dref: (derive(one), one) for one in (params, anneal, plot)}
    first = Record(derive(params).dref, {}, "1" * 32)
    second = Record(derive(anneal).dref, {derive(params).dref: [first.rref]}, "2" * 32)
    for record, file, text in ((first, "params.txt", "2 3 7"), (second, "trace.txt", "1 2 3")):
        path = tmp_path / "records" / record.rref.hash[:2] / f"{record.rref.hash}.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(record.as_json()))
        tree = tmp_path / "trees" / record.tree[:2] / record.tree
        tree.mkdir(parents=True)
        (tree / file).write_text(text)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    chosen = Chosen(second.rref, tmp_path / "trees" / "22" / ("2" * 32))
    return Build(derive(plot).dref, plot, scratch, {derive(anneal).dref: (chosen,)}, lambda dref: plans[dref], tmp_path)


def test_lens_reads_own_configuration(built):
    lens = mklens(built)
    assert lens.size.width.val == 7
    assert lens.size["val"].val == 1
    assert lens.labels[1].val == "b"
    assert lens.size.val == {"width": 7, "val": 1}
    assert Path(lens.picture.syspath) == built.outpath / "sub" / "plot.txt"
    assert (built.outpath / "sub").is_dir()
    assert lens.syspath == build_outpath(built)
    assert not built.read_references


def test_lens_goes_through_a_dependency(built):
    lens = mklens(built)
    assert lens.anneal.out.contents == "1 2 3"
    assert lens.trace.contents == "1 2 3"
    assert lens.trace.out.contents == "1 2 3"
    assert (Path(lens.anneal.syspath) / "trace.txt").is_file()
    assert not built.read_references


@pytest.mark.parametrize(
    ("read", "is_"),
    [
        (lambda lens: lens.anneal.val, DRef),
        (lambda lens: lens.anneal.dref, DRef),
        (lambda lens: str(lens.anneal.rref)[:5], "rref:"),
        (lambda lens: lens.trace.val[1], "trace.txt"),
        (lambda lens: lens.anneal.maxiter.val, 500),
        (lambda lens: lens.anneal.params.out.contents, "2 3 7"),
        (lambda lens: lens.dref.name, "plot"),
        (lambda lens: lens.anneal.params.rref.name, "params"),
    ],
)
def test_reading_more_than_the_action_key_tells_is_noticed(built, read, is_):
    found = read(mklens(built))
    assert isinstance(found, is_) if isinstance(is_, type) else found == is_
    assert built.read_references


def test_build_config_is_a_copy_and_counts_as_reading_references(built):
    config = build_config(built)
    assert config == dict(built.config.value)
    assert built.read_references
    config["size"]["width"] = 8
    assert mklens(built).size.width.val == 7


def test_build_config_without_dependencies_reads_no_reference(tmp_path):
    config = mkconfig({"name": "params", "n": 3, "out": [selfref, "x"]})
    b = Build(derive(config).dref, config, tmp_path, {}, {}.__getitem__, tmp_path)
    assert build_config(b) == {"name": "params", "n": 3, "out": ["__self__", "x"]}
    assert not b.read_references


def test_build_path(built):
    anneal = next(iter(built.chosen))
    assert Path(build_path(built, [selfref, "a", "b"])) == built.outpath / "a" / "b"
    assert Path(build_path(built, [anneal, "trace.txt"])).read_text() == "1 2 3"
    assert Path(build_path(built, [str(anneal), "trace.txt"])).read_text() == "1 2 3"
    assert Path(build_path(built, [anneal])).is_dir()
    with pytest.raises(BuildError, match="plot does not depend on dref:0"):
        build_path(built, [DRef("0" * 32, "other"), "x"])
    for bad in ([], ["x"], [selfref, 3], [3, "x"]):
        with pytest.raises(BuildError, match="is no path"):
            build_path(built, bad)


def test_a_lens_on_nothing_says_what_there_is(built):
    with pytest.raises(AttributeError, match=r"plot\.maxitre is not in the configuration of plot; it has name, anneal"):
        mklens(built).maxitre  # noqa: B018  # the access is what is tested
    with pytest.raises(AttributeError, match=r"plot\.anneal\.trace is not in the configuration of anneal"):
        mklens(built).anneal.trace  # noqa: B018
    with pytest.raises(BuildError, match="which has no path"):
        mklens(built).size.width.syspath  # noqa: B018
    with pytest.raises(BuildError, match="no realization yet"):
        mklens(built).rref  # noqa: B018
    assert not hasattr(mklens(built), "__array__")


def test_promises_must_be_kept(built):
    with pytest.raises(MissingOutputError, match=r"plot promised sub/plot\.txt and did not write it") as caught:
        check_promises(built)
    assert caught.value.path == "sub/plot.txt"
    (built.outpath / "sub" / "plot.txt").mkdir(parents=True)
    with pytest.raises(MissingOutputError, match="empty folder"):
        check_promises(built)
    (built.outpath / "sub" / "plot.txt" / "inner").write_text("x")
    check_promises(built)


def test_build_wrapper_takes_functions_only():
    with pytest.raises(TypeError, match="takes a function of one Build"):
        build_wrapper(3)
