"""Stages written as the 2021 manual has them, for the tests: a stochastic experiment and what becomes of it."""

from __future__ import annotations

import json
import random

from stageloom.pylightnix.manual import (
    Build,
    DRef,
    Manager,
    build_wrapper,
    match_latest,
    match_only,
    mkconfig,
    mkdrv,
    mklens,
    readstr,
    selfref,
    writestr,
)

#: What ran, in order.
RAN: list[str] = []


def stage_params(m: Manager) -> DRef:
    def config() -> dict:
        name = "params"
        out = [selfref, "params.json"]
        return locals()

    def make(b: Build) -> None:
        RAN.append("params")
        writestr(mklens(b).out.syspath, json.dumps([2, 3, 7]))

    return mkdrv(m, mkconfig(config()), match_only(), build_wrapper(make))


def stage_anneal(m: Manager, ref_params: DRef) -> DRef:
    def config() -> dict:
        name = "anneal"
        nonlocal ref_params
        trace = [selfref, "trace.json"]
        return locals()

    def make(b: Build) -> None:
        RAN.append("anneal")
        start = json.loads(mklens(b).ref_params.out.contents)
        writestr(mklens(b).trace.syspath, json.dumps([*start, random.random()]))

    return mkdrv(m, mkconfig(config()), match_only(), build_wrapper(make))


def stage_plot(m: Manager, ref_anneal: DRef) -> DRef:
    def config() -> dict:
        name = "plot"
        nonlocal ref_anneal
        out = [selfref, "plot.txt"]
        return locals()

    def make(b: Build) -> None:
        RAN.append("plot")
        writestr(mklens(b).out.syspath, f"minimum {last(mklens(b).ref_anneal.trace.syspath)}")

    return mkdrv(m, mkconfig(config()), match_latest(), build_wrapper(make))


def stage_all(m: Manager) -> DRef:
    return stage_plot(m, stage_anneal(m, stage_params(m)))


def last(path: str) -> float:
    """Return the last value of a trace."""
    return json.loads(readstr(path))[-1]


def match_min(S, rrefs):
    """Choose the realization whose trace ends lowest."""
    return [min(rrefs, key=lambda rref: last(mklens(rref, S=S).trace.syspath))]
