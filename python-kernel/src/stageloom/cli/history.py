"""What the commands about the past do: list realizations, and compare two."""

from __future__ import annotations

import argparse
import json
import time

from stageloom.cli import show
from stageloom.cli.place import UsageError
from stageloom.cli.selection import opened
from stageloom.engine.history import Difference, compare, describe_history
from stageloom.engine.provenance import read_stage
from stageloom.engine.workspace import Workspace
from stageloom.model.references import RRef
from stageloom.model.values import Json
from stageloom.rpc.wire import encode
from stageloom.store.found import Found

_WORDS = {
    "same": "the same",
    "equal": "equal",
    "changed": "changed",
    "left": "only in the first",
    "right": "only in the second",
}


def history(arguments: argparse.Namespace) -> int:
    """List realizations, the newest first; of a reference, all that it was made from."""
    with opened(arguments, arguments.what) as (workspace, selection):
        if selection.rrefs:
            for rref in selection.rrefs:
                show.say(describe_history(workspace.store, workspace.root, rref).rstrip("\n"))
            return 0
        found = workspace.store.history(selection.path or None, hidden=arguments.all)
        wanted = {word.rpartition(":")[2] for word in arguments.what if ":" in word}
        listed = [one for one in found if not wanted or one.stage in wanted][: arguments.limit]
        if arguments.json:
            show.say(json.dumps([_as_json(workspace, one) for one in listed]))
            return 0
        width = max((len(one.stage) for one in listed), default=0)
        for one in listed:
            show.say(_line(workspace, one, width))
        return 0


def _facts(workspace: Workspace, one: Found) -> dict[str, Json]:
    facts = read_stage(workspace.store.run_folder(one.run, one.stage))
    return {key: facts[key] for key in ("user", "host", "python", "memory") if key in facts}


def _as_json(workspace: Workspace, one: Found) -> dict[str, Json]:
    return {
        "rref": str(one.rref), "stage": one.stage, "path": one.path, "at": one.at, "took": one.took, "size": one.size,
        "run": one.run, "visible": one.visible, "pinned": one.pinned, **_facts(workspace, one),
    }  # fmt: skip


def _line(workspace: Workspace, one: Found, width: int) -> str:
    facts = _facts(workspace, one)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(one.at))
    memory = facts.get("memory")
    told = [
        f"took {show.duration(one.took)}",
        f"{memory / 1e6:.0f} MB of memory" if isinstance(memory, (int, float)) and memory else "",
        str(facts.get("user", "")),
        "" if one.visible else "invalidated",
        "pinned" if one.pinned else "",
    ]
    return f"{one.stage:<{width}}  {at}  {' · '.join(part for part in told if part)}\n  {one.rref}"


def compare_two(arguments: argparse.Namespace) -> int:
    """Compare what two realizations were made from, stage by stage; exits with 1 where they differ."""
    with opened(arguments, [arguments.first, arguments.second]) as (workspace, selection):
        if len(selection.rrefs) != 2:
            raise UsageError("compare takes two references of realizations: stageloom history lists them")
        left, right = selection.rrefs
        differences = compare(workspace.store, workspace.root, left, right)
        if arguments.json:
            show.say(json.dumps([_difference_json(one) for one in differences]))
        else:
            _say(differences, left, right)
        return int(any(one.is_ not in ("same", "equal") for one in differences))


def _difference_json(one: Difference) -> dict[str, Json]:
    return {
        "stage": one.stage,
        "is": one.is_,
        "reasons": [encode(reason) for reason in one.reasons],
        "metrics": {name: list(pair) for name, pair in one.metrics.items()},
        "left": str(one.left.rref) if one.left is not None else None,
        "right": str(one.right.rref) if one.right is not None else None,
    }


def _say(differences: list[Difference], left: RRef, right: RRef) -> None:
    show.say(f"first   {left}\nsecond  {right}")
    width = max(len(one.stage) for one in differences)
    for one in differences:
        show.say(f"{one.stage:<{width}}  {_WORDS[one.is_]}")
        for reason in one.reasons:
            show.say("  " + show.reason_lines(reason).replace("\n", "\n  "))
        for name, (before, after) in one.metrics.items():
            if before != after:
                show.say(f"  {name}: {_number(before)} → {_number(after)}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
