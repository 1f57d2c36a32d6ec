"""What the commands about the store do: collect, verify, carry, pin."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stageloom.cli import show
from stageloom.cli.gauge import gauge
from stageloom.cli.place import UsageError
from stageloom.cli.selection import opened
from stageloom.cli.target import find_place
from stageloom.engine.reached import pipelines_made, reached
from stageloom.engine.workspace import Workspace
from stageloom.model.references import RRef
from stageloom.model.values import Json
from stageloom.store.gc import Collected, Policy
from stageloom.store.pins import home_of, workspace_name
from stageloom.store.receiving import Received
from stageloom.store.roots import OTHERS
from stageloom.store.sending import LeftOut
from stageloom.store.verify import Damage

if TYPE_CHECKING:
    from stageloom.store.remote import Pushed

_SHOWN = 20


def gc(arguments: argparse.Namespace) -> int:
    """Collect garbage, or say what would go."""
    keep_words: Sequence[str] = arguments.keep
    for word in keep_words:
        if not word.startswith("rref:"):
            raise UsageError(f"--keep takes references, not {word}: stageloom history lists them")
    with opened(arguments, [*arguments.targets[:1], *keep_words]) as (workspace, selection):
        keep = {workspace.realization(str(rref)).rref for rref in selection.rrefs}
        if not arguments.no_pipelines:
            for path in _named(arguments) or pipelines_made(workspace):
                keep |= reached(workspace, path)
        workspace.store.let_go()
        others = OTHERS if arguments.others is None else arguments.others
        name = workspace_name(workspace.root, workspace.store.path)
        policy = Policy(keep, arguments.older_than or 0.0, arguments.max_size, others=others, workspace=name)
        with gauge("collecting" if arguments.delete else "looking for garbage") as tell:
            told = workspace.store.gc(policy, delete=arguments.delete, tell=tell)
        if arguments.json:
            show.say(json.dumps(_collected_json(told)))
        else:
            _say_collected(told)
            for one in told.spared:
                show.say(f"kept: {_count(one.count, 'realization')} reached by "
                         f"{home_of(one.workspace, workspace.store.path)}, planned {show.age(one.at)}")  # fmt: skip
        return 0


def _named(arguments: argparse.Namespace) -> list[str]:
    places = [find_place([word], arguments.root, arguments.store) for word in arguments.targets]
    for place in places:
        if place.stages:
            raise UsageError(f"gc takes whole files: {place.path}, not {place.path}:{place.stages[0]}")
    return [place.path for place in places]


def verify(arguments: argparse.Namespace) -> int:
    """Read everything in the store, and repair it if asked."""
    with opened(arguments, ()) as (workspace, _):
        store = workspace.store
        with gauge("verifying") as tell:
            damages = store.verify(tell=tell)
        repaired = store.repair(damages) if damages and arguments.repair else None
        bad = list(repaired.left) if repaired is not None else damages
        if arguments.json:
            value: dict[str, Json] = {"damages": [_damage_json(one) for one in damages]}
            if repaired is not None:
                value["moved"] = list(repaired.moved)
                value["mended"] = list(repaired.mended)
                value["forgotten"] = list(repaired.forgotten)
            show.say(json.dumps(value))
            return int(bool(bad))
        for damage in damages:
            show.say(f"{damage.kind}: {damage.path} {damage.what}")
        if not damages:
            show.say(f"All is as it was stored: {_count(len(store.history(hidden=True)), 'realization')}, "
                     f"{show.size(store.size)}")  # fmt: skip
        elif repaired is None:
            show.say(f"{_count(len(damages), 'damage')}. Repair with: stageloom verify --repair")
        else:
            show.say(f"Repaired: {_count(len(repaired.moved), 'object')} moved to {store.path / 'damaged'}, "
                     f"{len(repaired.mended)} made anew, {_count(len(repaired.forgotten), 'realization')} forgotten. "
                     "Realize their stages again.")  # fmt: skip
        return int(bool(bad))


def pack(arguments: argparse.Namespace) -> int:
    """Write an archive."""
    with opened(arguments, arguments.what) as (workspace, selection):
        target = Path(arguments.archive)
        if target.is_dir():
            raise UsageError(f"{target} is a folder; name a file, such as {target / 'results.zip'}")
        told = workspace.store.pack(
            selection.realizations(), target, sources=not arguments.bare, logs=not arguments.bare
        )
        if arguments.json:
            packed: dict[str, Json] = {"archive": str(target), "realizations": told.realizations, "size": told.size}
            show.say(json.dumps({**packed, "leftOut": _left_out_json(told.left_out)}))
        else:
            show.say(f"Packed {_count(told.realizations, 'realization')} into {target} ({show.size(told.size)})")
            _complain_of(told.left_out)
        return int(bool(told.left_out))


def unpack(arguments: argparse.Namespace) -> int:
    """Take an archive in."""
    with opened(arguments, (), create=True) as (workspace, _):
        roots, received = workspace.store.unpack(arguments.archive, max_size=arguments.max_size)
        _say_received(arguments, received, roots)
        return 0


def push(arguments: argparse.Namespace) -> int:
    """Send to a remote what it lacks."""
    from stageloom.store.remote import Remote

    with opened(arguments, arguments.what) as (workspace, selection):
        remote = Remote(arguments.remote)
        told = workspace.store.push(
            remote,
            selection.realizations(),
            sources=not arguments.bare,
            logs=not arguments.bare,
            mend=arguments.check,
        )
        if arguments.json:
            sent: list[Json] = [str(rref) for rref in told.sent]
            more: dict[str, Json] = {"mended": list(told.mended), "leftOut": _left_out_json(told.left_out)}
            show.say(json.dumps({"sent": sent, "known": told.known, "bytes": told.bytes, **more}))
        else:
            _say_pushed(told, checked=arguments.check)
            _complain_of(told.left_out)
        return int(bool(told.left_out))


def _say_pushed(told: Pushed, *, checked: bool) -> None:
    if told.sent:
        show.say(f"Pushed {_count(len(told.sent), 'realization')} ({show.size(told.bytes)}); "
                 f"{told.known} were there")  # fmt: skip
    else:
        show.say(f"Nothing to push: all {told.known} are there" if told.known != 1 else "Nothing to push: it is there")
    if checked:
        show.say(
            f"Mended there: {_count(len(told.mended), 'object')}"
            if told.mended
            else "What was there is as it should be"
        )


def _complain_of(left_out: Sequence[LeftOut]) -> None:
    for one in left_out[:_SHOWN]:
        show.complain(f"left out: {one.rref}: {one.why}")
    if left_out:
        more = f" ({len(left_out) - _SHOWN} more)" if len(left_out) > _SHOWN else ""
        show.complain(f"{_count(len(left_out), 'realization')} left out{more}: realize their stages again, then repeat")


def _left_out_json(left_out: Sequence[LeftOut]) -> Json:
    return [{"rref": str(one.rref), "why": one.why} for one in left_out]


def pull(arguments: argparse.Namespace) -> int:
    """Take in from a remote what is missing here."""
    from stageloom.store.remote import Remote

    with opened(arguments, arguments.what, create=True) as (workspace, selection):
        remote = Remote(arguments.remote)
        remote.check_head()
        rrefs = list(selection.rrefs)
        if selection.path:
            rrefs += remote.realizations(selection.derivations())
        elif not rrefs:
            rrefs = remote.realizations()
        received = workspace.store.pull(remote, rrefs, max_size=arguments.max_size)
        _say_received(arguments, received, rrefs)
        return 0


def pin(arguments: argparse.Namespace) -> int:
    """Pin realizations, or list what is pinned."""
    with opened(arguments, arguments.what) as (workspace, selection):
        if not arguments.what:
            found = {one.rref: one for one in reversed(workspace.store.history(hidden=True))}
            pinned = [one for one in found.values() if one.pinned]
            if arguments.json:
                show.say(json.dumps({"pinned": [str(one.rref) for one in pinned]}))
            else:
                for one in pinned:
                    show.say(f"{one.path}:{one.stage}  {show.age(one.at)}  {one.rref}")
                if not pinned:
                    show.say("Nothing is pinned")
            return 0
        return _change_pins(arguments, workspace, selection.realizations(), pinned=True)


def unpin(arguments: argparse.Namespace) -> int:
    """Take pins away."""
    with opened(arguments, arguments.what) as (workspace, selection):
        return _change_pins(arguments, workspace, selection.realizations(), pinned=False)


def _change_pins(arguments: argparse.Namespace, workspace: Workspace, rrefs: Iterable[RRef], *, pinned: bool) -> int:
    store = workspace.store
    name = workspace_name(workspace.root, store.path)
    changed = [found for found in (workspace.realization(str(rref)) for rref in rrefs) if found.pinned != pinned]
    for found in changed:
        (store.pin if pinned else store.unpin)(found.rref, name)
    if arguments.json:
        show.say(json.dumps({"changed": [str(found.rref) for found in changed]}))
        return 0
    word = "Pinned" if pinned else "Unpinned"
    for found in changed:
        show.say(f"{word} {found.stage}, made {show.age(found.at)}")
    if not changed:
        show.say(f"Nothing to do: {'all of these are pinned' if pinned else 'none of these is pinned'}")
    return 0


def _say_collected(told: Collected) -> None:
    for victim in told.victims[:_SHOWN]:
        show.say(f"{victim.path}:{victim.stage}  {show.age(victim.at)}  {show.size(victim.size)}  {victim.rref}")
    if len(told.victims) > _SHOWN:
        show.say(f"… and {len(told.victims) - _SHOWN} more")
    count = _count(len(told.victims), "realization")
    stays = f"{told.kept} stay{'s' * (told.kept == 1)} ({show.size(told.size - told.freed)})"
    if told.in_use:
        stays += f", {told.in_use} of them because they are in use"
    freed = show.size(told.freed + told.leftovers.size)
    left = f" and {_count(told.leftovers.count, 'leftover')}" if told.leftovers.count else ""
    if not told.victims and not told.leftovers.count:
        show.say(f"Nothing to collect: {stays}")
    elif told.deleted:
        show.say(f"Collected {count}{left}: {freed} freed, {stays}")
    else:
        show.say(f"{count}{left} would go: {freed} would be freed, {stays}")
        show.say("Nothing was deleted; to do it, add --delete")


def _collected_json(told: Collected) -> Mapping[str, Json]:
    return {
        "victims": [
            {"rref": one.rref, "stage": one.stage, "path": one.path, "at": one.at, "size": one.size}
            for one in told.victims
        ],
        "freed": told.freed + told.leftovers.size,
        "leftovers": told.leftovers.count,
        "kept": told.kept,
        "inUse": told.in_use,
        "deleted": told.deleted,
        "spared": [{"workspace": one.workspace, "at": one.at, "count": one.count} for one in told.spared],
    }


def _damage_json(damage: Damage) -> Json:
    return {"kind": damage.kind, "path": damage.path, "what": damage.what, "identity": damage.identity}


def _say_received(arguments: argparse.Namespace, received: Received, roots: Sequence[RRef]) -> None:
    if arguments.json:
        added: list[Json] = [str(rref) for rref in received.added]
        named: list[Json] = [str(rref) for rref in roots]
        show.say(json.dumps({"added": added, "known": received.known, "bytes": received.bytes, "roots": named}))
    elif received.added:
        show.say(f"Took in {_count(len(received.added), 'realization')} ({show.size(received.bytes)}); "
                 f"{received.known} were here")  # fmt: skip
    else:
        show.say("Nothing to take in: it is all here" if received.known else "Nothing to take in: there is none of it")


def _count(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count != 1)}"
