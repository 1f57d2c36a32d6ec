"""Pipeline files that several tests read."""

CHAIN = """
from stageloom.derivations import *


def stage_params(m):
    def realize(b):
        open(mklens(b).out.syspath, "w").write("1")

    return mkdrv(m, mkconfig({"name": "params", "out": [selfref, "x.txt"]}), match_only(), build_wrapper(realize))


def stage_anneal(m, params, scale=1):
    def realize(b):
        return scale

    config = mkconfig({"name": "anneal", "params": [params, "x.txt"], "maxiter": 500, "deep": {"seed": 1}})
    return mkdrv(m, config, match_latest(), build_wrapper(realize))


def stage_plot(m, ref_anneal):
    return mkdrv(m, mkconfig({"name": "plot", "anneal": ref_anneal}), match_latest(), build_wrapper(draw))


def draw(b):
    return helper(2)


def helper(x):
    return x + 1


def stage_all(m):
    return stage_plot(m, stage_anneal(m, stage_params(m)))
"""

SEVERAL = """
from stageloom.derivations import *

def stage_run(m, seed):
    def realize(b):
        pass
    return mkdrv(m, mkconfig({"name": "run", "seed": seed, "scale": 1}), match_latest(), build_wrapper(realize))

def stage_best(m):
    runs = [stage_run(m, seed) for seed in (3, 1, 2)]
    return mkdrv(m, mkconfig({"name": "best", "runs": runs}), match_latest(), build_wrapper(print))
"""
