# ruff: noqa: BLE001, E501, E731, FURB192, ICN001, PLW0108, UP031  # programs as people write them, a line an observation
"""Small programs that run under Pylightnix's release and under this face; what they return is compared.

Each function tests the public names in its ``uses``. It is run with the module as ``p`` and a fresh storage as ``S``,
and returns what a program can observe, as JSON. Run as a script with a module's name it prints all that as one object.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import re
import sys
import tempfile
import traceback

CASES = {}


def case(*uses):
    def keep(function):
        function.uses = uses
        CASES[function.__name__] = function
        return function

    return keep


# --- what several of them do -----------------------------------------------------------------------------------------


def stage_text(p, r, name="text", text="hello", matcher=None, file="t.txt", **more):
    """A stage with one file."""

    def make(b):
        with open(p.mklens(b).out.syspath, "w") as f:
            f.write(p.mklens(b).text.val)

    config = {"name": name, "text": text, "out": [p.selfref, file], **more}
    return p.mkdrv(p.mkconfig(config), matcher or p.match_only(), p.build_wrapper(make), r)


def stage_join(p, r, first, second, name="join"):
    """A stage that joins the files of two others."""

    def make(b):
        lens = p.mklens(b)
        with open(lens.out.syspath, "w") as f:
            f.write(lens.first.out.contents + lens.second.out.contents)

    config = {"name": name, "first": first, "second": second, "out": [p.selfref, "t.txt"]}
    return p.mkdrv(p.mkconfig(config), p.match_latest(), p.build_wrapper(make), r)


def diamond(p):
    """A stage function: two stages on one, and one on both."""

    def stage(r):
        base = stage_text(p, r, "base", "x")
        left = stage_join(p, r, base, base, "left")
        right = stage_join(p, r, left, base, "right")
        return stage_join(p, r, left, right, "top")

    return stage


def many(p, n=3, matcher=None, name="many"):
    """A stage function with ``n`` realizations at once."""

    def stage(r):
        def make(b):
            for i, o in enumerate(p.build_outpaths(b)):
                with open(os.path.join(o, "n.txt"), "w") as f:
                    f.write(str(i))

        return p.mkdrv(p.mkconfig({"name": name}), matcher or p.match_all, p.build_wrapper(make, nouts=n), r)

    return stage


def raises(call, *args, **kwargs):
    """What kind of error a call raises: whether a program that catches upstream's would catch it."""
    try:
        call(*args, **kwargs)
    except AssertionError:
        return "AssertionError"
    except Exception as error:
        return type(error).__name__
    return "nothing"


def read(path):
    with open(path) as f:
        return f.read()


# --- storage ---------------------------------------------------------------------------------------------------------


@case("fsinit", "assert_valid_storage", "mkSS", "StorageSettings")
def storage_made(p, S):
    other = p.mkSS(os.path.join(S.root, "other"))
    result = [raises(p.assert_valid_storage, other), list(other._fields), other.storage, other.tmpdir]
    p.fsinit(other)
    result.append(raises(p.assert_valid_storage, other))
    result.append(raises(p.fsinit, other, check_not_exist=True) != "nothing")
    with p.current_storage(other):
        p.realize1(p.instantiate(lambda r: stage_text(p, r), S=other))
    p.fsinit(other, remove_existing=True)
    return [*result, list(p.alldrefs(other))]


@case("fsroot", "fstmpdir", "fsstorage")
def storage_paths(p, S):
    named = p.mkSS("/r", "/r/s", "/r/t")
    return [p.fsroot(named), p.fstmpdir(named), p.fstmpdir(p.mkSS("/r")), p.fsroot(p.mkSS("/r"))]


@case("fsstorage", "storagename")
def storage_folder(p, S):
    return [p.fsstorage(p.mkSS("/r", "/r/s")), p.fsstorage(p.mkSS("/r")), p.storagename()]


@case("tlstorage", "tlregistry", "current_storage", "current_registry", "Registry")
def meant(p, S):
    r = p.Registry(S)
    result = [p.tlstorage(None), p.tlregistry(None), p.tlstorage(S) == S, p.tlregistry(r) is r]
    with p.current_storage(S):
        result.append(p.tlstorage(None) == S)
    with p.current_registry(r) as given:
        result += [given is r, p.tlregistry(None) is r, p.tlstorage(None) == S, r.S == S, list(r.builders)]
        with p.current_storage(None):
            result.append(p.tlstorage(None) == S)
    return [*result, p.tlstorage(None), p.tlregistry(None)]


@case("mkregistry", "setstorage", "setregistry")
def meant_from_now_on(p, S):
    before = p.setstorage(S)
    r = p.mkregistry()
    result = [before, r.S == S, p.tlstorage(None) == S, p.setregistry(r), p.tlregistry(None) is r]
    p.setregistry(None)
    p.setstorage(None)
    return result


@case("tlstorage", "current_storage")
def meant_in_a_thread(p, S):
    import threading

    found = []
    with p.current_storage(S):
        thread = threading.Thread(target=lambda: found.append(p.tlstorage(None) == S))
        thread.start()
        thread.join()
    return found


# --- references ------------------------------------------------------------------------------------------------------


@case(
    "mkdref",
    "undref",
    "mkrref",
    "unrref",
    "rref2dref",
    "mkname",
    "trimhash",
    "DRef",
    "RRef",
    "Name",
    "Hash",
    "HashPart",
)
def references(p, S):
    h, g = p.HashPart("0" * 32), p.HashPart("1" * 32)
    d = p.mkdref(h, p.mkname("a-b_1"))
    r = p.mkrref(g, h, p.Name("n"))
    return [
        d, p.undref(d), r, p.unrref(r), p.rref2dref(r), p.trimhash(p.Hash("f" * 64)), isinstance(d, p.DRef),
        isinstance(r, p.RRef), isinstance(p.mkname("x"), p.Name), isinstance(d, str), raises(p.mkdref, "0", "n"),
        raises(p.undref, "nonsense"), raises(p.unrref, d), raises(p.rref2dref, d),
    ]  # fmt: skip


@case("mkname", "assert_valid_name", "PYLIGHTNIX_NAMEPAT")
def names(p, S):
    bad = ["", "a/b", "..", "a b", "a.b", "ü", "\U0001f600", "a:b"]
    return [
        p.PYLIGHTNIX_NAMEPAT,
        p.mkname("A-z_09"),
        raises(p.assert_valid_name, "fine"),
        [raises(p.mkname, n) for n in bad],
    ]


@case("mkname")
def long_names(p, S):
    return [raises(p.mkname, "n" * 300), raises(p.mkname, "-n"), raises(p.mkname, "n\n")]


@case("isdref", "isrref", "isrefpath", "isselfpath", "isclosure", "selfref", "PYLIGHTNIX_SELF_TAG", "mkrefpath")
def recognised(p, S):
    d = p.mkdref("0" * 32, "n")
    r = p.mkrref("1" * 32, "0" * 32, "n")
    values = [d, r, [d], [d, "a"], [d, 1], [p.selfref, "a"], [], "x", 1, None, [r, "a"], {"a": d}]
    clo = p.instantiate(lambda r: stage_text(p, r), S=S)[1]
    kinds = [[f(v) for v in values] for f in (p.isdref, p.isrref, p.isrefpath, p.isselfpath)]
    return [kinds, p.isclosure(clo), p.isclosure((1,)), p.selfref, p.PYLIGHTNIX_SELF_TAG, p.mkrefpath(d, ["a", "b"])]


@case("isdref", "isrref")
def made_up_by_hand(p, S):
    return [p.isdref("dref:" + "z" * 40), p.isdref("dref:" + "0" * 32 + "-../../x"), p.isrref("rref:" + "-" * 70)]


@case("assert_valid_dref", "assert_valid_rref", "assert_valid_hashpart", "assert_valid_hash", "assert_valid_refpath")
def asserted(p, S):
    d, r = p.mkdref("0" * 32, "n"), p.mkrref("1" * 32, "0" * 32, "n")
    calls = [
        (p.assert_valid_dref, d, r), (p.assert_valid_rref, r, d), (p.assert_valid_hashpart, "0" * 32, "0" * 31),
        (p.assert_valid_hash, "0" * 64, "0" * 32), (p.assert_valid_refpath, [d, "a"], ["a"]),
    ]  # fmt: skip
    return [[raises(f, good), raises(f, bad)] for f, good, bad in calls]


@case("path2dref", "path2rref", "dref2path", "rref2path", "drefcfgpath", "Path", "SPath")
def paths(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    d, folder = p.rref2dref(rref), p.rref2path(rref, S)
    link = os.path.join(S.root, "link")
    os.symlink(folder, link)
    return [
        p.path2dref(p.dref2path(d, S)) == d, p.path2rref(folder) == rref, p.path2rref(link) == rref,
        p.path2dref("/nowhere"), p.path2rref("/nowhere/else"), os.path.dirname(folder) == p.dref2path(d, S),
        isinstance(folder, p.Path), sorted(os.listdir(folder)), os.path.basename(p.drefcfgpath(d, S)),
        json.loads(read(p.drefcfgpath(d, S)))["name"], isinstance(p.SPath("x"), p.Path),
    ]  # fmt: skip


@case("rref2path", "mkrealization")
def write_protected(p, S):
    rref = p.realize1(p.instantiate(lambda r: stage_text(p, r), S=S))
    folder = p.rref2path(rref, S)
    return [not os.stat(os.path.join(folder, name)).st_mode & 0o222 for name in ("", "t.txt", "context.json")]


# --- configuration ---------------------------------------------------------------------------------------------------


@case("mkconfig", "cfgdict", "cfgserialize", "cfgname", "cfgcattrs", "Config", "ConfigAttrs", "assert_valid_config")
def configuration(p, S):
    value = {"name": "n", "z": 1, "a": [1.5, None, True, "x", {"k": [{}]}]}
    c = p.mkconfig(value)
    copy = p.cfgdict(c)
    copy["a"].append(1)
    return [
        p.cfgdict(c), p.cfgserialize(c), p.cfgname(c), p.cfgname(p.mkconfig({})), p.cfgcattrs(c).z, repr(c),
        c.val == value, raises(p.assert_valid_config, c), raises(p.assert_valid_config, None),
        isinstance(p.cfgcattrs(c), p.ConfigAttrs), isinstance(c, p.Config),
    ]  # fmt: skip


@case("mkconfig", "Registry")
def configuration_of_locals(p, S):
    mkconfig = p.mkconfig

    def config(r, name="n", x=1):
        return locals()

    return p.cfgdict(mkconfig(config(p.Registry(S))))


@case("cfghash", "cfgserialize")
def configuration_hashed(p, S):
    a, b, c = (
        p.mkconfig(v)
        for v in ({"name": "n", "a": 1, "b": 2}, {"name": "n", "b": 2, "a": 1}, {"name": "n", "a": 1, "b": 2})
    )
    d = p.instantiate(lambda r: stage_text(p, r), S=S)[0]
    return [
        len(p.cfghash(a)), p.cfghash(a) == p.cfghash(c), p.cfghash(a) == p.cfghash(b),
        p.trimhash(p.cfghash(p.drefcfg_(d, S))) == p.undref(d)[0],
    ]  # fmt: skip


@case("mkconfig", "assert_valid_dict", "assert_serializable")
def configuration_refused(p, S):
    import datetime

    bad = [b"x", (1, 2), {1: 2}, datetime.date(2020, 1, 1), {1, 2}, object(), 1j]
    return [raises(p.mkconfig, {"x": value}) != "nothing" for value in bad]


@case("mkconfig")
def configuration_of_nan(p, S):
    return [raises(p.mkconfig, {"x": float(value)}) for value in ("nan", "inf", "-inf")]


@case("mkconfig", "mkdrv")
def configuration_that_leaves(p, S):
    return raises(p.instantiate, lambda r: stage_text(p, r, file="../x"), S=S) != "nothing"


@case("cfgdeps", "cfgsp", "resolve", "RConfig", "scanref_dict", "scanref_list", "assert_rref_deps")
def configuration_with_references(p, S):
    d, e = p.mkdref("0" * 32, "n"), p.mkdref("1" * 32, "n")
    r = p.mkrref("2" * 32, "0" * 32, "n")
    value = {"name": "x", "a": d, "b": [e, "p", "q"], "c": {"k": [d, {"l": e}]}, "o": [p.selfref, "f"]}
    c = p.mkconfig(value)
    own = p.mkdref("3" * 32, "x")
    return [
        sorted(p.cfgdeps(c)), p.cfgsp(c), p.cfgdict(p.resolve(c, own)), isinstance(p.resolve(c, own), p.RConfig),
        p.scanref_dict(value), p.scanref_list([d, [r, {"k": e}]]), raises(p.assert_rref_deps, p.mkconfig({"x": r})),
    ]  # fmt: skip


@case("drefcfg", "drefcfg_", "drefattrs", "rrefattrs")
def configuration_of_references(p, S):
    rref = p.realize1(p.instantiate(lambda r: stage_text(p, r, more={"k": 1}), S=S))
    d = p.rref2dref(rref)
    return [
        p.cfgdict(p.drefcfg_(d, S)), p.cfgdict(p.drefcfg(d, S)), p.drefattrs(d, S).text, p.rrefattrs(rref, S).more,
        list(p.cfgdict(p.drefcfg_(d, S))),
    ]  # fmt: skip


# --- graph -----------------------------------------------------------------------------------------------------------


@case("drefdeps", "drefdeps1", "rrefdeps", "rrefdeps1", "rrefctx")
def graph(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    d = p.rref2dref(rref)
    name = lambda refs: sorted(ref.rsplit("-", 1)[-1] for ref in refs)
    return [
        name(p.drefdeps1([d], S)), name(p.drefdeps([d], S)), name(p.rrefdeps1([rref], S)), name(p.rrefdeps([rref], S)),
        name(p.rrefctx(rref, S)), all(isinstance(v, list) for v in p.rrefctx(rref, S).values()),
        json.loads(read(os.path.join(p.rref2path(rref, S), "context.json"))) == p.rrefctx(rref, S),
    ]  # fmt: skip


@case("alldrefs", "allrrefs", "rootdrefs", "rootrrefs", "drefrrefs", "drefrrefsC", "rrefdata")
def graph_of_all(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    p.instantiate(lambda r: stage_text(p, r, "unmade"), S=S)
    d = p.rref2dref(rref)
    name = lambda refs: sorted(ref.rsplit("-", 1)[-1] for ref in refs)
    return [
        name(p.alldrefs(S)), name(p.allrrefs(S)), name(p.rootdrefs(S)), name(p.rootrrefs(S)),
        list(p.drefrrefs(d, S)) == [rref], list(p.drefrrefsC(d, p.rrefctx(rref, S), S)) == [rref],
        list(p.drefrrefsC(d, p.mkcontext(), S)), sorted(map(os.path.basename, p.rrefdata(rref, S))),
    ]  # fmt: skip


@case("drefrrefs")
def realizations_as(p, S):
    return type(p.drefrrefs(p.rref2dref(p.realize1(p.instantiate(diamond(p), S=S))), S)).__name__


@case("store_gc", "reserved", "PYLIGHTNIX_RESERVED")
def graph_gc(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    other = p.realize1(p.instantiate(lambda r: stage_text(p, r, "other"), S=S))
    name = lambda refs: sorted(ref.rsplit("-", 1)[-1] for ref in refs)
    left = [rref2 for rref2 in p.rrefdeps1([rref], S) if rref2.endswith("-left")]
    return [
        [name(x) for x in p.store_gc([], [rref], S)], [name(x) for x in p.store_gc([], [other], S)],
        [name(x) for x in p.store_gc([p.rref2dref(other)], left, S)], p.PYLIGHTNIX_RESERVED,
        p.reserved("/x", "context.json"), raises(p.reserved, "/x", "y"),
    ]  # fmt: skip


# --- the build plan --------------------------------------------------------------------------------------------------


@case(
    "mkdrv",
    "mkdrv_",
    "mkclosure",
    "Closure",
    "Derivation",
    "instantiate",
    "assert_valid_closure",
    "assert_have_realizers",
)
def plan(p, S):
    r = p.Registry(S)
    d = stage_text(p, r)
    result, clo = p.instantiate({"k": [d]}, r=r)
    other = p.mkdrv_(p.mkconfig({"name": "bare"}), S)
    return [
        result == {"k": [d]}, clo.targets == [d], [x.dref for x in clo.derivations] == [d], list(clo._fields),
        list(clo.derivations[0]._fields), clo.S == S, raises(p.assert_valid_closure, clo), other.split("-")[1],
        raises(p.mkclosure, [other], r), raises(p.mkclosure, [], r), raises(p.assert_have_realizers, r, [d]),
        raises(p.instantiate, d, S=p.mkSS("/other"), r=r), other in set(p.alldrefs(S)),
    ]  # fmt: skip


@case("instantiate", "mkdrv")
def plan_arguments(p, S):
    def stage(n, r, k=1):
        return stage_text(p, r, f"s{n}", str(k))

    seen = []

    def nested(r):
        seen.append(raises(p.instantiate, lambda r: stage_text(p, r), r=r))
        return stage_text(p, r)

    rref = p.realize1(p.instantiate(stage, 7, k=3, S=S))
    p.instantiate(nested, S=S)
    return [
        rref.split("-")[-1],
        p.mklens(rref, S=S).text.val,
        seen,
        raises(p.mkdrv, p.mkconfig({}), p.match_only(), lambda: 0),
    ]


@case("realize", "realize1", "realizeMany", "evaluate")
def realized_plan(p, S):
    x = p.instantiate(diamond(p), S=S)
    result, clo, ctx = p.realize(x)
    again = p.realize(x[1])
    many_ = p.realizeMany(p.instantiate(many(p), S=S))
    with p.current_storage(S):
        evaluated = p.evaluate(diamond(p))
    return [
        result == x[0], clo is x[1], list(ctx) == [x[0]], again[2] == ctx, p.realize1(x) == ctx[x[0]][0], len(many_),
        raises(p.realize1, p.instantiate(many(p), S=S)), evaluated == ctx[x[0]][0], read(p.mklens(ctx[x[0]][0], S=S).out.syspath),
    ]  # fmt: skip


@case("realize", "instantiate")
def several_targets(p, S):
    def stage(r):
        return {"a": stage_text(p, r, "a"), "b": [stage_text(p, r, "b")]}

    result, clo, ctx = p.realize(p.instantiate(stage, S=S))
    return [
        sorted(d.split("-")[1] for d in ctx),
        sorted(result),
        len(clo.targets),
        raises(p.realizeMany, p.instantiate(stage, S=S)),
    ]


@case("realize1", "realizeMany")
def rebuilt(p, S):
    runs = []

    def stage(r):
        def make(b):
            runs.append(dict(b.rarg))
            with open(os.path.join(p.build_outpath(b), "f"), "w") as f:
                f.write("same")

        return p.mkdrv(p.mkconfig({"name": "s"}), p.match_only(), p.build_wrapper(make), r)

    x = p.instantiate(stage, S=S)
    first = p.realize1(x, realize_args={x[0]: {"k": 1}})
    same = [
        p.realize1(x),
        p.realize1(x, force_rebuild=True),
        p.realize1(x, force_rebuild=[x[0]]),
        p.realize1(x, assert_realized=[x[0]]),
    ]
    other = p.instantiate(lambda r: stage_text(p, r), S=S)
    with p.current_storage(S):
        missing = raises(p.realize1, other, assert_realized=[other[0]])
    return [runs, [one == first for one in same], missing, raises(p.realize1, x, force_rebuild=7)]


@case("realize1", "rref2path", "mkrealization")
def names_of_files_count(p, S):
    found = []
    for file in ("a.txt", "b.txt"):

        def stage(r):
            def make(b):
                with open(os.path.join(p.build_outpath(b), file), "w") as f:  # noqa: B023
                    f.write("same")

            return p.mkdrv(p.mkconfig({"name": "s"}), p.match_latest(), p.build_wrapper(make), r)

        found.append(p.realize1(p.instantiate(stage, S=S), force_rebuild=True))
    return [found[0] == found[1]]


@case("realize1")
def unhashed_files(p, S):
    found = []
    for number in range(2):

        def stage(r):
            def make(b):
                with open(os.path.join(p.build_outpath(b), "_n.txt"), "w") as f:
                    f.write(str(number))  # noqa: B023

            return p.mkdrv(p.mkconfig({"name": "s"}), p.match_only(), p.build_wrapper(make), r)

        found.append(p.realize1(p.instantiate(stage, S=S), force_rebuild=True))
    return [found[0] == found[1], read(os.path.join(p.rref2path(found[0], S), "_n.txt"))]


@case("realizeSeq", "mkrealization", "mkcontext", "RealizeSeqGen")
def step_by_step(p, S):
    def stage(r):
        base = stage_text(p, r, "base", "x")
        return stage_join(p, r, base, base, "top")

    x = p.instantiate(stage, S=S)
    gen = p.realizeSeq(x[1], force_interrupt=[x[0]])
    S2, dref, ctx, drv, rarg = next(gen)
    folder = tempfile.mkdtemp(dir=p.fstmpdir(S))
    with open(os.path.join(folder, "t.txt"), "w") as f:
        f.write("by hand")
    rref = p.mkrealization(dref, ctx, p.Path(folder), S)
    try:
        gen.send(([rref], False))
    except StopIteration as done:
        found = done.value
    aborted = p.realizeSeq(x[1], force_interrupt=[x[0]])
    next(aborted)
    try:
        aborted.send((None, True))
    except StopIteration as done:
        found2 = done.value
    return [
        S2 == S,
        dref == x[0],
        len(ctx),
        drv.dref == dref,
        rarg,
        found == {dref: [rref]},
        found2,
        os.path.exists(folder),
        p.mklens(rref, S=S).out.contents,
    ]


@case("mkrealization")
def reserved_names(p, S):
    d = p.instantiate(lambda r: stage_text(p, r), S=S)[0]
    folder = tempfile.mkdtemp(dir=p.fstmpdir(S))
    with open(os.path.join(folder, "context.json"), "w") as f:
        f.write("{}")
    return [raises(p.mkrealization, d, {}, p.Path(folder), S), raises(p.mkrealization, d, {}, p.Path("/nowhere"), S)]


@case("Matcher", "match")
def unsatisfied(p, S):
    return raises(p.realize1, p.instantiate(lambda r: stage_text(p, r, matcher=lambda S, rrefs: None), S=S))


@case("Realizer", "Output", "output_validate", "output_realizer", "output_matcher", "PromiseException")
def outputs(p, S):
    def stage(keep, r):
        def realizer(S, dref, ctx, ra):
            folder = tempfile.mkdtemp(dir=p.fstmpdir(S))
            if keep:
                with open(os.path.join(folder, "f"), "w") as f:
                    f.write("x")
            return p.Output([p.Path(folder)])

        matcher = p.output_matcher(lambda S, o: p.Output(o.val[:1]) if o.val else None)
        return p.mkdrv(p.mkconfig({"name": "o", "out": [p.selfref, "f"]}), matcher, p.output_realizer(realizer), r)

    try:
        p.realize1(p.instantiate(stage, False, S=S))
        broken = None
    except p.PromiseException as error:
        broken = [
            error.dref.split("-")[1],
            [promise[1:] for _, promise in error.failed],
            isinstance(error, p.PylightnixException),
        ]
    left = list(p.allrrefs(S))
    rref = p.realize1(p.instantiate(stage, True, S=S))
    d = p.rref2dref(rref)
    return [
        broken,
        left,
        os.path.basename(p.mklens(rref, S=S).out.syspath),
        raises(p.output_validate, d, p.Output([p.Path(S.root)]), S),
    ]


@case("Realizer", "PromiseException")
def bare_realizer_breaks_promise(p, S):
    def stage(r):
        realizer = lambda S, dref, ctx, ra: [p.Path(tempfile.mkdtemp(dir=p.fstmpdir(S)))]
        return p.mkdrv(p.mkconfig({"name": "o", "out": [p.selfref, "f"]}), p.match_only(), realizer, r)

    return [raises(p.realize1, p.instantiate(stage, S=S)), len(list(p.allrrefs(S)))]


# --- context ---------------------------------------------------------------------------------------------------------


@case("mkcontext", "context_add", "context_eq", "context_deref", "context_serialize", "assert_valid_context", "Context")
def contexts(p, S):
    d, e = p.mkdref("1" * 32, "n"), p.mkdref("0" * 32, "n")
    r, q = p.mkrref("2" * 32, "1" * 32, "n"), p.mkrref("1" * 32, "1" * 32, "n")
    a = p.context_add(p.mkcontext(), d, [r, q])
    b = p.context_add(a, e, [])
    return [
        p.mkcontext(), a, b, list(b), p.context_eq(a, {d: [q, r]}), p.context_eq(a, b), p.context_deref(a, d),
        raises(p.context_deref, a, e), raises(p.context_add, a, d, []), p.context_serialize(b),
        raises(p.assert_valid_context, b), raises(p.assert_valid_context, {r: []}),
    ]  # fmt: skip


@case("context_derefpath", "rrefpath2path")
def context_paths(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    ctx = p.rrefctx(rref, S)
    base = next(d for d in ctx if d.endswith("-base"))
    return [
        [read(x) for x in p.context_derefpath(ctx, [base, "t.txt"], S)], read(p.rrefpath2path(rref, [base, "t.txt"], S)),
        read(p.rrefpath2path(rref, [p.rref2dref(rref), "t.txt"], S)),
    ]  # fmt: skip


@case("drefrrefsC", "match_latest")
def only_the_current_context(p, S):
    seen = []

    def stage(text, r):
        base = stage_text(p, r, "base", "same", matcher=lambda S, rrefs: chosen(rrefs, text))

        def matcher(S, rrefs):
            seen.append(len(rrefs))
            return p.match_latest()(S, rrefs)

        def make(b):
            with open(os.path.join(p.build_outpath(b), "f"), "w") as f:
                f.write(p.mklens(b).base.out.contents)

        return p.mkdrv(p.mkconfig({"name": "top", "base": base}), matcher, p.build_wrapper(make), r)

    made = {}

    def chosen(rrefs, text):
        new = [rref for rref in rrefs if rref not in made.values()]
        if text not in made and new:
            made[text] = new[0]
        return [made[text]] if text in made else None

    for text in ("a", "a"):
        p.realize1(p.instantiate(stage, text, S=S))
    return seen


# --- matchers --------------------------------------------------------------------------------------------------------


@case("match", "match_all", "match_some", "match_only", "match_exact", "texthash", "exact", "Key")
def matchers(p, S):
    rrefs = p.realizeMany(p.instantiate(many(p), S=S))
    first = sorted(rrefs)[0]
    value = lambda S, rref: int(read(os.path.join(p.rref2path(rref, S), "n.txt")))
    number = lambda rref: value(S, rref)
    best = p.match(value, lambda rs: rs[:2] if len(rs) >= 2 else None)
    some = p.match_some(2)(S, rrefs)
    return [
        sorted(map(number, p.match_all(S, rrefs))), p.match_all(S, []), list(map(number, best(S, rrefs))), best(S, []),
        len(some), p.match_some(4)(S, rrefs), some == sorted(rrefs, reverse=True)[:2], raises(p.match_only(), S, rrefs),
        p.match_only()(S, []), p.match_only()(S, [first]) == [first], p.match_exact([first])(S, rrefs) == [first],
        p.match_exact([first])(S, []), p.texthash()(S, first) == p.unrref(first)[0], p.exact([first])(S, first),
        p.exact([])(S, first), p.match_some(1, key=value)(S, rrefs) == best(S, rrefs)[:1],
    ]  # fmt: skip


@case("latest", "match_latest")
def matched_latest(p, S):
    import time

    count = []

    def stage(r):
        def make(b):
            count.append(1)
            with open(os.path.join(p.build_outpath(b), "n"), "w") as f:
                f.write(str(len(count)))

        return p.mkdrv(p.mkconfig({"name": "s"}), p.match_latest(), p.build_wrapper(make), r)

    x = p.instantiate(stage, S=S)
    found = [p.realize1(x)]
    for _ in range(2):
        time.sleep(0.01)
        found.append(p.realize1(x, force_rebuild=True))
    keys = [p.latest()(S, rref) for rref in found]
    return [
        len(set(found)),
        p.realize1(x) == found[-1],
        keys == sorted(keys),
        p.match_latest(2)(S, found) == found[:0:-1],
        p.match_latest(4)(S, found),
    ]


@case("match_only")
def second_that_differs(p, S):
    count = []

    def stage(r):
        def make(b):
            count.append(1)
            with open(os.path.join(p.build_outpath(b), "n"), "w") as f:
                f.write(str(len(count)))

        return p.mkdrv(p.mkconfig({"name": "s"}), p.match_only(), p.build_wrapper(make), r)

    x = p.instantiate(stage, S=S)
    p.realize1(x)
    return [raises(p.realize1, x, force_rebuild=True), raises(p.realize1, x)]


# --- build -----------------------------------------------------------------------------------------------------------


@case(
    "build_wrapper", "build_config", "build_context", "build_cattrs", "build_outpath", "build_outpaths", "build_path",
    "build_paths", "build_deref", "build_deref_", "build_environ", "build_name", "Build",
)  # fmt: skip
def building(p, S):
    seen = []

    def stage(r):
        base = stage_text(p, r, "base", "x")

        def make(b):
            c = p.build_cattrs(b)
            seen.extend([
                p.build_name(b), sorted(p.cfgdict(p.build_config(b))), list(p.build_context(b)) == [c.base], p.build_cattrs(b) is c,
                p.build_outpaths(b) == [p.build_outpath(b)], read(p.build_path(b, [c.base, "t.txt"])),
                p.build_paths(b, c.out) == [os.path.join(p.build_outpath(b), "o.txt")], p.build_deref_(b, c.base) == [p.build_deref(b, c.base)],
                {k: v for k, v in p.build_environ(b, {"A": "B"}).items() if k in ("A", "n", "name")},
                read(p.build_environ(b, {})["file"]), isinstance(b, p.Build), b.dref == p.tlregistry(r).in_instantiate,
                raises(p.build_deref, b, p.mkdref("0" * 32, "n")), raises(p.build_path, b, ["x"]), b.rarg, b.iarg,
            ])  # fmt: skip
            with open(p.build_path(b, c.out), "w") as f:
                f.write("y")

        config = {"name": "s", "n": 1, "base": base, "file": [base, "t.txt"], "out": [p.selfref, "o.txt"]}
        return p.mkdrv(p.mkconfig(config), p.match_only(), p.build_wrapper(make), r)

    rref = p.realize1(p.instantiate(stage, S=S))
    return [seen, p.mklens(rref, S=S).out.contents]


@case("build_wrapper_", "build_markstart", "build_markstop", "build_markstop_noexcept", "mkbuildargs", "BuildArgs")
def building_by_hand(p, S):
    class Mine(p.Build):
        extra = 5

    def stage(r):
        def make(b):
            paths = p.build_markstart(b, 2)
            for i, path in enumerate(paths):
                with open(os.path.join(path, "n"), "w") as f:
                    f.write(str(i + b.extra))

        realizer = p.build_wrapper_(make, Mine, nouts=None)
        return p.mkdrv(p.mkconfig({"name": "s"}), p.match_some(2), realizer, r)

    def without(r):
        return p.mkdrv(p.mkconfig({"name": "t"}), p.match_only(), p.build_wrapper(lambda b: None, nouts=None), r)

    rrefs = p.realizeMany(p.instantiate(stage, S=S))
    d = p.rref2dref(rrefs[0])
    b = p.Build(p.mkbuildargs(S, d, {}, "AUTO", "AUTO", {}, {"k": 1}))
    before = raises(p.build_outpaths, b)
    p.build_markstart(b, 1)
    p.build_markstop(b)
    p.build_markstop_noexcept(b)
    return [
        sorted(read(os.path.join(p.rref2path(rref, S), "n")) for rref in rrefs), raises(p.realize1, p.instantiate(without, S=S)),
        before, sorted(os.listdir(p.build_outpath(b))), raises(p.build_markstart, b, 1), b.rarg, list(p.BuildArgs._fields),
    ]  # fmt: skip


@case("BuildError", "PylightnixException")
def building_fails(p, S):
    def stage(r):
        def make(b):
            raise ValueError("no")

        return p.mkdrv(p.mkconfig({"name": "s"}), p.match_only(), p.build_wrapper(make), r)

    try:
        p.realize1(p.instantiate(stage, S=S))
    except p.BuildError as error:
        return [
            type(error.exception).__name__, error.dref.split("-")[1], [os.path.isdir(x) for x in error.outpaths], error.S == S,
            isinstance(error, p.PylightnixException), list(p.allrrefs(S)), "no" in str(error),
        ]  # fmt: skip


@case("rrefbstart", "rrefbstop", "rrefbdelta", "timestring", "parsetime", "PYLIGHTNIX_TIME", "tzlocal")
def times(p, S):
    def stage(start, stop, r):
        return p.mkdrv(
            p.mkconfig({"name": f"s{start}{stop}".replace(":", "")[:9]}),
            p.match_only(),
            p.build_wrapper(lambda b: None, starttime=start, stoptime=stop),
            r,
        )

    auto = p.realize1(p.instantiate(lambda r: stage_text(p, r), S=S))
    none = p.realize1(p.instantiate(stage, None, None, S=S))
    own = p.realize1(p.instantiate(stage, "mine", "yours", S=S))
    start = p.rrefbstart(auto, S)
    moment = p.parsetime(p.timestring(1600000000.25))
    return [
        p.PYLIGHTNIX_TIME, moment, p.parsetime("nonsense"), p.parsetime(start) <= p.parsetime(p.rrefbstop(auto, S)),
        p.rrefbdelta(auto, S) >= 0, p.rrefbstart(none, S), p.rrefbstop(none, S), p.rrefbdelta(none, S),
        p.rrefbstart(own, S), p.rrefbstop(own, S), sorted(os.listdir(p.rref2path(none, S))),
        read(os.path.join(p.rref2path(auto, S), "__buildstart__.txt")) == start, p.tzlocal() is not None,
        sorted(os.listdir(p.rref2path(own, S))), read(os.path.join(p.rref2path(own, S), "__buildstop__.txt")),
    ]  # fmt: skip


# --- by hand ---------------------------------------------------------------------------------------------------------


def two(p):
    def stage(r):
        base = stage_text(p, r, "base", "x")
        return stage_join(p, r, base, base, "top")

    return stage


@case("repl_realize", "repl_build", "repl_continueBuild", "repl_rref", "repl_rrefs", "repl_buildargs", "ReplHelper")
def repl(p, S):
    x = p.instantiate(two(p), S=S)
    rh = p.repl_realize(x)
    before = [
        p.repl_rref(rh),
        p.repl_rrefs(rh),
        rh.dref == x[0],
        isinstance(rh, p.ReplHelper),
        p.repl_buildargs(rh).dref == x[0],
    ]
    b = p.repl_build()
    with open(os.path.join(p.build_outpath(b), "t.txt"), "w") as f:
        f.write("by hand")
    rref = p.repl_continueBuild(b)
    return [
        before,
        rref == p.repl_rref(rh),
        p.repl_rrefs(rh) == [rref],
        p.mklens(rref, S=S).out.contents,
        p.realize1(x) == rref,
    ]


@case("repl_realize", "repl_cancel", "repl_cancelBuild", "ERR_INVALID_RH", "ERR_INACTIVE_RH", "PYLIGHTNIX_REPL_HELPER")
def repl_ended(p, S):
    x = p.instantiate(two(p), S=S)
    rh = p.repl_realize(x)
    p.repl_cancel()
    first = [rh.gen, raises(p.repl_continueAll, rh=rh), p.repl_rref(rh)]
    rh = p.repl_realize(x)
    b = p.repl_build(rh)
    p.repl_cancelBuild(b, rh)
    rref = p.realize1(x)
    rh = p.repl_realize(x, force_interrupt=False)
    return [
        first,
        os.path.exists(b.outpaths.val[0]),
        p.repl_rref(rh) == rref,
        raises(p.repl_realize, x, 33),
        isinstance(p.ERR_INVALID_RH + p.ERR_INACTIVE_RH, str),
    ]


@case("repl_continueAll", "repl_continueMany")
def repl_continued(p, S):
    x = p.instantiate(two(p), S=S)
    base = [d.dref for d in x[1].derivations if d.dref != x[0]]
    rh = p.repl_realize(x, force_interrupt=[*base, x[0]])
    stops = [rh.dref == base[0], p.repl_continueAll(rh=rh), rh.dref == x[0]]
    found = p.repl_continueMany(rh=rh)
    return [stops, len(found), p.repl_rref(rh) == found[0]]


@case("repl_continue", "repl_result", "repl_continue1")
def repl_results(p, S):
    x = p.instantiate(two(p), S=S)
    rh = p.repl_realize(x)
    found = p.repl_continue(rh=rh)
    return [isinstance(found, tuple), isinstance(p.repl_result(rh), dict), hasattr(p, "repl_continue1")]


# --- lenses ----------------------------------------------------------------------------------------------------------


@case("mklens", "Lens", "LensContext", "lens_repr", "val2dict", "val2path", "val2rref", "traverse")
def lenses(p, S):
    x = p.instantiate(diamond(p), S=S)
    rref = p.realize1(x)
    d = x[0]
    on = [p.mklens(v, S=S) for v in (rref, d, x[1])]
    lens = on[0]
    ctx = lens.ctx
    return [
        [v.name.val for v in on], [v.first.first.text.val for v in on], lens.out.contents, lens.first.out.contents,
        lens.first.rref.split("-")[-1], lens.first.dref.split("-")[-1], lens.dref == d, lens.rref == rref, lens.out.refpath[0] == d,
        lens.first.syspath == p.rref2path(lens.first.rref, S), lens.get("second").name.val, raises(lambda: lens.nothing),
        raises(lambda: on[1].out.syspath), on[1].syspath == p.dref2path(d, S), raises(lambda: lens.name.dref), raises(lambda: lens.name.refpath),
        isinstance(lens, p.Lens), p.lens_repr(lens.first, "val"), p.val2dict(3, ctx), p.val2rref(rref, ctx) == rref,
        p.val2path(rref, ctx) == p.rref2path(rref, S), p.traverse(lens.name, "hint"), raises(lambda: lens.name.x), raises(lambda: lens.out.x),
    ]  # fmt: skip


@case("mklens", "mutate")
def lenses_on_dicts(p, S):
    d = {"a": {"b": 1, "n": None}, "c": [1]}
    lens = p.mklens(d)
    lens.a.b.val = 5
    lens2 = p.mklens(d)
    return [
        d, lens.a.b.val, lens.c.val, lens.a.val, lens.a.n.optval, raises(lambda: lens.a.n.val), raises(lambda: lens.c.x),
        raises(p.mutate, lens2, 1, "hint"), raises(lambda: lens.a.syspath),
    ]  # fmt: skip


@case("mklens")
def lenses_into_files(p, S):
    def stage(r):
        def make(b):
            p.writejson(p.mklens(b).out.syspath, {"field": {"deep": 7}})

        return p.mkdrv(
            p.mkconfig({"name": "j", "out": [p.selfref, "j.json"]}), p.match_only(), p.build_wrapper(make), r
        )

    rref = p.realize1(p.instantiate(stage, S=S))
    return [p.mklens(rref, S=S).out.field.deep.val, raises(lambda: p.mklens(rref, S=S).out.nothing)]


@case("mklens")
def lenses_with_contexts(p, S):
    x = p.instantiate(diamond(p), S=S)
    rref = p.realize1(x)
    ctx = p.rrefctx(rref, S)
    left = next(d for d in ctx if d.endswith("-left"))
    whole = p.mklens(x[1], S=S)
    return [
        p.mklens(left, ctx=ctx, S=S).rref == ctx[left][0], p.mklens(left, rref=rref, S=S).out.contents, raises(lambda: p.mklens(left, S=S).rref),
        p.realize1(whole.first.closure) == ctx[left][0], len(whole.first.closure.derivations) == len(x[1].derivations),
    ]  # fmt: skip


# --- errors as results -----------------------------------------------------------------------------------------------


@case(
    "Either", "mkright", "mkleft", "either_paths", "either_isRight", "either_isLeft", "either_status", "ExceptionText"
)
def eithers(p, S):
    folder = tempfile.mkdtemp(dir=p.fstmpdir(S))
    right, left = p.mkright(p.Output(["a"])), p.mkleft([p.Path(folder)], "why")
    return [
        [p.either_isRight(e) for e in (right, left)], [p.either_isLeft(e) for e in (right, left)], p.either_paths(right),
        p.either_paths(left) == [folder], p.either_status(right), p.either_status(left), raises(p.Either), raises(p.mkleft, [folder], "x"),
        os.listdir(folder), p.ExceptionText is str,
    ]  # fmt: skip


@case("mkdrvE", "realizeE", "realizeManyE", "either_realizer", "either_matcher", "either_loadR", "either_validate")
def eithers_realized(p, S):
    def stage(fails, r):
        def realizer(S, dref, ctx, ra):
            if fails:
                raise ValueError("it fails")
            folder = tempfile.mkdtemp(dir=p.fstmpdir(S))
            with open(os.path.join(folder, "f"), "w") as f:
                f.write("x")
            return p.Output([p.Path(folder)])

        matcher = lambda S, o: p.Output(o.val[:1]) if o.val else None
        base = p.mkdrvE(p.mkconfig({"name": f"base{fails}", "out": [p.selfref, "f"]}), matcher, realizer, r)
        return p.mkdrvE(
            p.mkconfig({"name": f"top{fails}", "base": base}), matcher, lambda S, d, c, a: realizer(S, d, c, a), r
        )

    good, bad = (p.realizeE(p.instantiate(stage, fails, S=S)[1]) for fails in (False, True))
    again = p.realizeManyE(p.instantiate(stage, True, S=S))
    return [
        p.either_isRight(good), p.either_isLeft(bad), "ValueError: it fails" in p.either_status(bad), p.either_paths(again) == p.either_paths(bad),
        sorted(x for x in os.listdir(p.rref2path(p.either_paths(bad)[0], S)) if not x.startswith("__")), p.either_isLeft(p.either_loadR(p.either_paths(bad), S)),
        p.either_validate(p.rref2dref(p.either_paths(bad)[0]), p.Either(None, (["/x"], "e")), S),
    ]  # fmt: skip


# --- stages ----------------------------------------------------------------------------------------------------------


@case("mknode")
def nodes(p, S):
    def stage(r):
        return p.mknode(r, {"a": 1}, {"x": b"1", "y": b"2"}, name="node")

    rref = p.realize1(p.instantiate(stage, S=S))
    folder = p.rref2path(rref, S)
    return [
        read(os.path.join(folder, "x")),
        read(os.path.join(folder, "y")),
        sorted(p.cfgdict(p.drefcfg(p.rref2dref(rref), S))),
        rref.split("-")[-1],
    ]


@case("redefine", "realized")
def redefined(p, S):
    base = lambda r: stage_text(p, r)

    def new_config(c):
        c["text"] = "other"

    other = p.redefine(base, new_config)
    first = p.instantiate(base, S=S)
    before = raises(p.realize1, p.instantiate(p.realized(base), S=S))
    p.realize1(first)
    matcher = lambda S, rrefs: rrefs[:1] or None
    return [
        p.mklens(p.realize1(p.instantiate(other, S=S)), S=S).out.contents, before, p.realize1(p.instantiate(p.realized(base), S=S)) == p.realize1(first),
        p.instantiate(p.redefine(base, new_matcher=matcher), S=S)[0] == first[0],
    ]  # fmt: skip


# --- shell-like ------------------------------------------------------------------------------------------------------


@case("lsref", "lsrref", "lsrref_", "catref", "catrref_", "rmref")
def shell_like(p, S):
    rref = p.realize1(p.instantiate(lambda r: stage_text(p, r, text="a\nb\n"), S=S))
    d = p.rref2dref(rref)
    path = p.mklens(rref, S=S).out.syspath
    result = [
        sorted(p.lsref(rref, S)), sorted(p.lsrref(rref, S=S)), sorted(p.lsrref_(rref, S=S)), p.catref(rref, ["t.txt"], S),
        list(p.catrref_(rref, ["t.txt"], S)), p.catref(path), raises(p.lsref, "x", S), raises(p.rmref, "x", S),
    ]  # fmt: skip
    p.rmref(rref, S)
    result += [list(p.drefrrefs(d, S)), os.path.exists(p.rref2path(rref, S)), os.path.exists(p.dref2path(d, S))]
    p.rmref(d, S)
    return [*result, list(p.alldrefs(S)), os.path.exists(p.dref2path(d, S))]


@case("lsref", "lsdref_")
def shell_like_listing(p, S):
    rref = p.realize1(p.instantiate(lambda r: stage_text(p, r), S=S))
    return [
        p.lsref(p.rref2dref(rref), S) == [p.unrref(rref)[0]],
        list(p.lsdref_(p.rref2dref(rref), S)) == [p.unrref(rref)[0]],
    ]


@case("du", "find", "dirsize")
def shell_like_sizes(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    usage = p.du(S)
    name = lambda refs: sorted(ref.rsplit("-", 1)[-1] for ref in refs)
    total, by = usage[p.rref2dref(rref)]
    stage = lambda r: stage_text(p, r, "base", "x")
    return [
        name(usage), list(by) == [rref], by[rref] == p.dirsize(p.rref2path(rref, S)), total > by[rref], name(p.find(S=S)),
        name(p.find("le*", S=S)), name(p.find(stage, S=S)), p.find("nothing", S=S),
    ]  # fmt: skip


@case("find")
def shell_like_newer(p, S):
    p.realize1(p.instantiate(diamond(p), S=S))
    return [len(p.find(newer=-3600.0, S=S)), len(p.find(newer=4e9, S=S))]


@case("diff", "shell", "shellref")
def shell_like_programs(p, S):
    a, b = (p.instantiate(lambda r, t=t: stage_text(p, r, text=t), S=S)[0] for t in ("one", "two"))
    here = os.environ.get("SHELL")
    script = os.path.join(S.root, "sh")
    with open(script, "w") as f:
        f.write("#!/bin/sh\npwd > '%s/where'\n" % S.root)
    os.chmod(script, 0o755)
    os.environ["SHELL"] = script
    places = []
    for what in (a, S.root, None):
        (p.shell if what != a else p.shellref)(what, S)
        places.append(os.path.basename(read(os.path.join(S.root, "where")).strip()))
    os.environ["SHELL"] = here or "/bin/sh"
    shown = run_here(p, a, b, S)
    return [
        places[0] == os.path.basename(p.dref2path(a, S)),
        places[1] == os.path.basename(S.root),
        shown,
        raises(p.shell, "/no/such", S),
    ]


def run_here(p, a, b, S):
    """What diff prints, by whatever means."""
    path = os.path.join(S.root, "shown")
    sys.stdout.flush()
    kept = os.dup(1)
    with open(path, "w") as f:
        os.dup2(f.fileno(), 1)
        try:
            p.diff(a, b, S)
            sys.stdout.flush()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
    return [line for line in read(path).splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


@case("linkrref", "linkdref", "linkrrefs", "forcelink")
def links(p, S):
    rref = p.realize1(p.instantiate(lambda r: stage_text(p, r), S=S))
    d = p.rref2dref(rref)
    folder = os.path.join(S.root, "links")
    one = p.linkrref(rref, folder, "_%(N)s", S)
    p.linkrref(rref, folder, "_%(N)s", S)
    other = p.linkdref(d, folder, S=S)
    more = p.linkrrefs([rref], folder, "r_%(N)s", S)
    p.forcelink("a", os.path.join(folder, "f"))
    p.forcelink("b", os.path.join(folder, "f"))
    return [
        sorted(os.listdir(folder)), os.path.realpath(one) == os.path.realpath(p.rref2path(rref, S)), p.path2rref(one) == rref,
        os.path.realpath(other) == os.path.realpath(p.dref2path(d, S)), len(more), os.readlink(os.path.join(folder, "f")), not os.path.isabs(os.readlink(one)),
    ]  # fmt: skip


# --- garbage ---------------------------------------------------------------------------------------------------------


@case("gc", "gc_exceptions", "gc_candidates", "diskspace_h")
def garbage(p, S):
    keep = p.realize1(p.instantiate(diamond(p), S=S))
    other = p.realize1(p.instantiate(lambda r: stage_text(p, r, "other"), S=S))
    folder = os.path.join(S.root, "roots")
    os.makedirs(os.path.join(folder, "sub"))
    p.linkrref(keep, os.path.join(folder, "sub"), S=S)
    found = p.gc_exceptions([folder])
    name = lambda refs: sorted(ref.rsplit("-", 1)[-1] for ref in refs)
    candidates = p.gc_candidates(found, S)
    with contextlib.redirect_stdout(io.StringIO()):
        p.gc([folder], interactive=False, S=S)
    return [
        found == ([], [keep]), [name(x) for x in candidates], name(p.allrrefs(S)), name(p.alldrefs(S)), other in set(p.allrrefs(S)),
        p.diskspace_h(5), p.diskspace_h(5 << 20), p.diskspace_h(5 << 30), raises(p.gc, [folder], S=S),
    ]  # fmt: skip


# --- archives --------------------------------------------------------------------------------------------------------


@case("copyclosure", "deref_")
def copied(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    D = p.mkSS(os.path.join(S.root, "D"))
    p.fsinit(D)
    p.copyclosure([rref], S, D)
    p.copyclosure([rref], S, D)
    base = next(d for d in p.rrefctx(rref, S) if d.endswith("-base"))
    return [
        sorted(p.allrrefs(D)) == sorted(p.allrrefs(S)), p.mklens(rref, S=D).out.contents, p.deref_(rref, p.rref2dref(rref), S) == [rref],
        p.deref_(rref, base, S) == p.rrefctx(rref, S)[base], p.realize1(p.instantiate(diamond(p), S=D)) == rref,
    ]  # fmt: skip


@case("spack", "sunpack")
def packed(p, S):
    rref = p.realize1(p.instantiate(diamond(p), S=S))
    D = p.mkSS(os.path.join(S.root, "D"))
    p.fsinit(D)
    archive = os.path.join(S.root, "a.zip")
    p.spack([rref], p.Path(archive), S)
    p.sunpack(p.Path(archive), D)
    return [sorted(p.allrrefs(D)) == sorted(p.allrrefs(S)), p.mklens(rref, S=D).first.out.contents]


# --- downloads -------------------------------------------------------------------------------------------------------


@case("fetchlocal")
def fetched_local(p, S):
    source = os.path.join(S.root, "f.txt")
    with open(source, "w") as f:
        f.write("content")
    digest = p.filehash(source)
    rref = p.realize1(p.instantiate(p.fetchlocal, digest, path=source, mode="asis", extra=1, S=S))
    wrong = raises(p.realize1, p.instantiate(p.fetchlocal, "0" * 64, path=source, mode="asis", S=S))
    os.environ["A_FILE"] = source
    named = p.realize1(p.instantiate(p.fetchlocal, digest, envname="A_FILE", mode="asis", S=S))
    return [
        p.mklens(rref, S=S).out_path.contents,
        sorted(p.cfgdict(p.drefcfg(p.rref2dref(rref), S))),
        wrong,
        p.mklens(named, S=S).out_path.contents,
    ]


def archive_of(S, kind, names):
    import shutil

    folder = tempfile.mkdtemp(dir=S.root)
    for name in names:
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(f"in {name}")
    return shutil.make_archive(os.path.join(S.root, f"arch-{len(names)}"), kind, folder)


@case("fetchurl", "fetchurl2", "unpack", "fetchlocal")
def fetched(p, S):
    path = archive_of(S, "gztar", ["d/a.txt", "d/b.txt"])
    digest = p.filehash(path)
    url = "file://" + path
    whole = p.realize1(p.instantiate(p.fetchurl, url, sha256=digest, S=S))
    kept = p.realize1(p.instantiate(p.fetchurl, url, sha256=digest, mode="asis", name="kept", S=S))

    def both(r):
        return p.unpack(refpath=[p.fetchurl2(path, name="down", r=r), os.path.basename(path)], r=r)

    unpacked = p.realize1(p.instantiate(both, S=S))
    several = archive_of(S, "zip", ["a.txt", "b.txt"])
    flat = p.realize1(p.instantiate(p.fetchlocal, p.filehash(several), path=several, S=S))
    listing = lambda rref: sorted(x for x in os.listdir(p.rref2path(rref, S)) if not x.startswith("__"))
    return [
        listing(whole), read(os.path.join(p.rref2path(whole, S), "d", "a.txt")), listing(kept), os.path.basename(p.mklens(kept, S=S).out_path.syspath),
        listing(unpacked), listing(flat), raises(p.realize1, p.instantiate(p.fetchurl, url, sha256="0" * 64, S=S)),
        raises(p.instantiate, p.fetchurl, url, S=S), raises(p.instantiate, p.unpack, S=S),
    ]  # fmt: skip


# --- decorators ------------------------------------------------------------------------------------------------------


@case(
    "autodrv",
    "autostage",
    "autostage_",
    "autodrv_",
    "autostage2",
    "Attrs",
    "unroll",
    "unrollR",
    "realizeU",
    "Placeholder",
)
def decorated(p, S):
    @p.autostage(a=2, b="aa", out=[p.selfref, "o.json"])
    def one(a, b, out, build):
        p.writejson(out, {"a": a, "b": b})

    @p.autostage(n=1, nouts=2)
    def two(n, build, rindex, one, every):
        p.writestr(os.path.join(p.build_outpaths(build)[rindex], "i"), str(rindex))
        assert one.a == 5
        assert [x.b for x in every] == ["aa", "aa"]
        assert p.readjson(one.out)["a"] == 5

    r = p.Registry(S)
    first = one(r, a=5)
    second = two(r=r, one=first, every=[first, one(r)])
    found = p.realizeMany(p.instantiate(second, r=r))
    unrolled = p.realizeU(p.instantiate(first, r=r))

    def plain(r, k=3, out=[p.selfref, "x"]):  # noqa: B006
        @autodrv(r=r, k=k, out=out)
        def drv(k, out, build):
            with open(out, "w") as f:
                f.write(str(k))

        return drv

    autodrv = p.autodrv
    rref = p.realize1(p.instantiate(plain, S=S))
    return [
        len(found),
        unrolled.a,
        unrolled._rref == p.realize1(p.instantiate(first, r=r)),
        p.mklens(rref, S=S).out.contents,
    ]


# --- utilities -------------------------------------------------------------------------------------------------------


@case("logdir", "mklogdir")
def logs(p, S):
    path = p.mklogdir("t", S.root, ["a", "b"], timetag="now")
    p.mklogdir("t", S.root, timetag="then")
    return [
        os.path.basename(path), sorted(os.listdir(path)), os.readlink(os.path.join(S.root, "_t_latest")),
        os.path.basename(p.logdir("", S.root, "x")), os.path.basename(p.mklogdir("", S.root, timetag="y")), os.path.lexists(os.path.join(S.root, "_latest")),
    ]  # fmt: skip


@case("datahash", "filehash", "encode", "dirhash", "dirshash", "dirhash_iter")
def hashes(p, S):
    folder = tempfile.mkdtemp(dir=S.root)
    for name, text in (("a", "x"), ("_b", "y")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    one = p.dirhash(folder)
    with open(os.path.join(folder, "_b"), "w") as f:
        f.write("z")
    same = p.dirhash(folder)
    with open(os.path.join(folder, "a"), "w") as f:
        f.write("z")
    return [
        p.datahash([("h", b"x"), ("h", b"y")]), p.filehash(os.path.join(folder, "a")), p.encode("ü"), one == same, p.dirhash(folder) == one,
        len(one), p.dirshash([folder]) == p.dirhash(folder), raises(p.dirhash, "/no/such"), raises(p.filehash, "/no/such"), len(list(p.dirhash_iter(folder))) > 0,
    ]  # fmt: skip


@case("dirhash")
def hashes_of_names(p, S):
    a, b = (tempfile.mkdtemp(dir=S.root) for _ in range(2))
    for folder, name in ((a, "x"), (b, "y")):
        with open(os.path.join(folder, name), "w") as f:
            f.write("same")
    return p.dirhash(a) == p.dirhash(b)


@case("dicthash")
def hashes_of_dicts(p, S):
    return [
        p.dicthash({"a": 1, "b": 2}) == p.dicthash({"b": 2, "a": 1}),
        p.dicthash({"a": 1}) == p.dicthash({"a": 1, "_b": 2}),
        p.dicthash({"a": 1}) == p.dicthash({"a": 2}),
        len(p.dicthash({})),
    ]


@case("dirchmod", "dirro", "dirrw", "filero", "filerw", "dirrm", "dircp")
def permissions(p, S):
    folder = tempfile.mkdtemp(dir=S.root)
    path = os.path.join(folder, "f")
    with open(path, "w") as f:
        f.write("x")
    mode = lambda: bool(os.stat(path).st_mode & 0o200)
    result = []
    p.filero(path)
    result.append(mode())
    p.filerw(path)
    result.append(mode())
    p.dircp(folder, folder + "-2", make_rw=True)
    result += [read(folder + "-2/f"), raises(p.dirchmod, folder, "x"), raises(p.dircp, folder, folder + "-2")]
    p.dirrm(folder + "-2")
    p.dirrm(p.Path("/no/such/folder"))
    return [*result, os.path.exists(folder + "-2"), raises(p.dirrm, p.Path("/no/such/folder"), ignore_not_found=False)]


@case("dirro", "dirchmod")
def permissions_of_files(p, S):
    folder = tempfile.mkdtemp(dir=S.root)
    path = os.path.join(folder, "f")
    with open(path, "w") as f:
        f.write("x")
    p.dirro(folder)
    protected = [not os.stat(x).st_mode & 0o222 for x in (folder, path)]
    os.chmod(folder, 0o700)
    os.chmod(path, 0o600)
    return protected


@case(
    "readstr", "writestr", "readjson", "writejson", "tryread", "tryread_def", "tryreadstr", "tryreadstr_def", "tryreadjson",
    "tryreadjson_def", "maybereadjson", "maybereadstr", "trywrite", "trycatch",
)  # fmt: skip
def reading(p, S):
    text, data, no = (os.path.join(S.root, n) for n in ("t", "j", "no/file"))
    p.writestr(text, "abc")
    p.writejson(data, {"a": [1]}, indent=2)
    return [
        p.readstr(text), p.readjson(data), read(data), p.tryread(text), p.tryread(no), p.tryread_def(no, "d"), p.tryreadstr(no), p.tryreadstr_def(no, "d"),
        p.tryreadjson(data), p.tryreadjson(text), p.tryreadjson_def(no, 5), p.maybereadjson(no, 5, lambda x: x + 1), p.maybereadstr(no, "d", str.upper),
        p.trywrite(no, "x"), p.trywrite(text, "y"), p.trycatch(lambda: 1 // 0, 3, lambda x: x * 2), raises(p.readstr, no),
    ]  # fmt: skip


@case("readjson")
def reading_damaged(p, S):
    path = os.path.join(S.root, "j")
    p.writestr(path, "{")
    return raises(p.readjson, path)


@case("traverse_dict", "traverse_list", "traverse_tuple", "concat", "kahntsort", "dagroots", "Mutator")
def values(p, S):
    d = {"a": 1, "b": [2, {"c": 3}], "t": (4, [5])}
    seen = []

    def double(k, v):
        seen.append(str(k))
        return v * 10 if isinstance(v, int) and k != 0 else v

    p.traverse_dict(d, double)
    graph = {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": set()}
    order = p.kahntsort(graph, graph.__getitem__)
    return [
        d["a"], d["b"], p.concat([[1], [2, 3]]), order, sorted(p.dagroots(order, graph.__getitem__)), raises(p.traverse_tuple, (1,), lambda k, v: 2),
        p.kahntsort([], set),
    ]  # fmt: skip


@case("kahntsort")
def cycles(p, S):
    return p.kahntsort(["a", "b"], {"a": {"b"}, "b": {"a"}}.__getitem__)


@case("try_executable", "find_executable")
def programs(p, S):
    found, missing = (
        p.try_executable("sh", "NO_SUCH_VAR", "m", "w"),
        p.try_executable("no-such-program", "NO_SUCH_VAR", "m", "w"),
    )
    return [os.path.basename(found()), raises(missing)]


@case(
    "DRefLike",
    "InstantiateArg",
    "RealizeArg",
    "MatcherO",
    "RealizerO",
    "RefPath",
    "Stage",
    "StageResult",
    "PYLIGHTNIX_STORE_VERSION",
    "debug",
    "info",
    "warning",
    "error",
    "logger",
    "sha1sum",
    "sha256sum",
)
def the_rest(p, S):
    names = [
        "DRefLike",
        "InstantiateArg",
        "RealizeArg",
        "MatcherO",
        "RealizerO",
        "RefPath",
        "Stage",
        "StageResult",
        "debug",
        "info",
        "warning",
        "error",
        "logger",
    ]
    return [
        [hasattr(p, name) for name in names],
        p.PYLIGHTNIX_STORE_VERSION,
        p.sha256sum(b"x").hexdigest()[:4],
        p.sha1sum(b"x").hexdigest()[:4],
    ]


@case("pyobjhash")
def hash_of_code(p, S):
    def f():
        return 1

    return len(p.pyobjhash([f]))


# --- running them ----------------------------------------------------------------------------------------------------

_HEX = re.compile(r"[0-9a-f]{32,64}")


def normal(value, root):
    """What is left of an observation when hashes and paths are taken out."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        fixed = {c * n for c in "0123456789f" for n in (32, 64)}
        keep = lambda match: match[0] if match[0] in fixed or len(match[0]) not in (32, 64) else "<hash>"
        return _HEX.sub(keep, value.replace(os.path.realpath(root), "<root>").replace(root, "<root>"))
    if isinstance(value, dict):
        return {str(normal(k, root)): normal(v, root) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [normal(v, root) for v in value]
    return value if value is None or isinstance(value, (bool, int, float)) else repr(value)


def run(p, function):
    root = os.path.realpath(tempfile.mkdtemp())
    S = p.mkSS(root)
    p.fsinit(S)
    try:
        return normal(function(p, S), root)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[1].lineno
        return f"raised {type(error).__name__} at line {where}: {normal(str(error), root)[:200]}"


def main():
    for variable in [name for name in os.environ if name.startswith(("PYLIGHTNIX_", "STAGELOOM_"))]:
        del os.environ[variable]
    p = importlib.import_module(sys.argv[1])
    chosen = sys.argv[2:] or list(CASES)
    found = {name: run(p, CASES[name]) for name in chosen}
    names = [name for name in dir(p) if not name.startswith("__")]
    sys.stdout.flush()
    print("\n" + json.dumps({"cases": found, "names": names}))


if __name__ == "__main__":
    main()
