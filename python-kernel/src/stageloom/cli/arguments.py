"""The commands' words, and what an exit code means."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from stageloom._version import VERSION
from stageloom.cli import commands
from stageloom.cli.place import UsageError
from stageloom.cli.show import complain

#: 0 it is so · 1 a stage failed, ``status --check`` found one that isn't cached, ``verify`` damage, or ``pack`` and
#: ``push`` left something out · 2 the words or the source are wrong · 3 the store, an archive or a remote can't be used
#: · 130 interrupted.
OK, FAILED, USAGE, STORE, INTERRUPTED = 0, 1, 2, 3, 130

_CODES = (
    "exit codes: 0 done, 1 a stage failed, (status --check) isn't cached, (verify) damage, (pack, push) something left "
    "out, 2 usage or source, 3 store, archive or remote, 130 interrupted"
)


def run(words: Sequence[str] | None) -> int:
    """Parse ``words`` and run the command."""
    from stageloom.engine.project import UnknownParameterError, UnknownStageError
    from stageloom.engine.workspace import NoSuchRealizationError
    from stageloom.store.errors import StoreError

    parser = _parser()
    if not (sys.argv[1:] if words is None else words):
        parser.print_help()
        return USAGE
    arguments = parser.parse_args(words)
    command: Callable[[argparse.Namespace], int] = arguments.command
    try:
        return command(arguments)
    except (UsageError, UnknownStageError, UnknownParameterError, NoSuchRealizationError) as error:
        complain(f"stageloom: {error}")
        return USAGE
    except StoreError as error:
        complain(f"stageloom: {error}")
        return STORE
    except KeyboardInterrupt:
        complain("stageloom: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stageloom", description="Realize the stages of a Python file; what is cached is reused.", epilog=_CODES
    )
    parser.add_argument("--version", action="version", version=f"stageloom {VERSION}")
    subparsers = parser.add_subparsers(metavar="command", required=True)

    def add(name: str, command: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        sub = subparsers.add_parser(name, help=help_text, description=help_text, epilog=_CODES)
        sub.set_defaults(command=command)
        sub.add_argument("--store", help="the store's folder (default: $STAGELOOM_STORE, else .stageloom/store)")
        sub.add_argument("--root", help="the workspace's folder (default: where the store is, else here)")
        sub.add_argument("--json", action="store_true", help="print JSON, for machines")
        return sub

    def add_set(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--set", action="append", default=[], metavar="STAGE.PARAMETER=VALUE", help="another value for a parameter"
        )
        sub.add_argument(
            "--profile", default="", help="the parameters of a profile in stageloom.json; --set comes first"
        )

    realize = add("realize", commands.realize, "Run what is missing of the named stages and all they depend on.")
    jobs = "so many stages side by side, in processes of their own (default: 1, in this one)"
    realize.add_argument("-j", "--jobs", type=_jobs, default=1, metavar="N", help=jobs)
    realize.add_argument("targets", nargs="+", metavar="FILE[:STAGE]", help="pipeline.py, or pipeline.py:plot")
    realize.add_argument("-q", "--quiet", action="store_true", help="print only what ran or failed")
    add_set(realize)

    status = add("status", commands.status, "Say how every stage stands, before anything runs.")
    status.add_argument("targets", nargs="+", metavar="FILE[:STAGE]")
    status.add_argument("--check", action="store_true", help="exit with 1 if a stage isn't cached")
    add_set(status)

    why = add("why", commands.why, "Say why stages aren't cached, with the difference.")
    why.add_argument("targets", nargs="+", metavar="FILE[:STAGE]")
    add_set(why)

    invalidate = add("invalidate", commands.invalidate, "Hide what is cached of the named stages; undo brings it back.")
    invalidate.add_argument("targets", nargs="+", metavar="FILE[:STAGE]")
    invalidate.add_argument("--dependents", action="store_true", help="and of all that depends on them")
    add_set(invalidate)

    undo = add("undo", commands.undo, "Undo an invalidation, the last one unless its number is given.")
    undo.add_argument("sequence", nargs="?", type=int, default=0)
    _add_keeping(add)
    for sub in (realize, status, why):
        pins = "take what is pinned (default: yes, unless the variable CI is set)"
        sub.add_argument("--pins", action=argparse.BooleanOptionalAction, default=None, help=pins)
    return parser


def _add_keeping(add: Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]) -> None:
    """Add the commands about the store."""
    some = "[RREF|FILE[:STAGE]]"

    gc = add("gc", _keeping("gc"), "Collect what no pipeline reaches and nobody has pinned; only say so, by default.")
    gc.add_argument("targets", nargs="*", metavar="FILE", help="the pipelines that count (default: all there are)")
    gc.add_argument("--delete", action="store_true", help="do it")
    gc.add_argument("--keep", action="append", default=[], metavar="RREF", help="keep this realization, too")
    gc.add_argument("--older-than", type=_time, metavar="TIME", help="only what was made longer ago: 30d, 12h, 90min")
    gc.add_argument("--max-size", type=_size, metavar="SIZE", help="only as much, oldest first, as makes the rest fit")
    others = "what other workspaces that use the store reached longer ago goes, too (default: 90d; 0: whatever it is)"
    gc.add_argument("--others", type=_time, metavar="TIME", help=others)
    gc.add_argument("--no-pipelines", action="store_true", help="collect what pipelines reach, as well")

    verify = add("verify", _keeping("verify"), "Read everything in the store and say what is not as it was stored.")
    verify.add_argument("--repair", action="store_true", help="move what is damaged aside and make the index anew")

    pack = add("pack", _keeping("pack"), "Write realizations, with all they were made from, into a zip archive.")
    pack.add_argument("archive", metavar="ARCHIVE")
    unpack = add("unpack", _keeping("unpack"), "Take in an archive, all of it or nothing; everything is checked.")
    unpack.add_argument("archive", metavar="ARCHIVE")
    push = add("push", _keeping("push"), "Send realizations to a remote, as far as it lacks them.")
    push.add_argument("remote", metavar="URL", help="any address that fsspec knows: s3://…, sftp://…, a folder")
    pull = add("pull", _keeping("pull"), "Take in realizations from a remote; everything is checked.")
    pull.add_argument("remote", metavar="URL", help="what was pushed to, or its copy on a web server")
    for sub in (pack, push, pull):
        sub.add_argument("what", nargs="*", metavar=some, help="(default: everything)")
    push.add_argument("--check", action="store_true", help="read what is there of them, too, and mend what is damaged")
    for sub in (pack, push):
        sub.add_argument("--bare", action="store_true", help="without source files, logs and curves")
    for sub in (unpack, pull):
        sub.add_argument("--max-size", type=_size, metavar="SIZE", help="take in no more than this: 10GB")

    pin = add("pin", _keeping("pin"), "Have a realization chosen, whatever newer ones there are; without words, list.")
    pin.add_argument("what", nargs="*", metavar=some)
    unpin = add("unpin", _keeping("unpin"), "Take the pin of a realization away.")
    unpin.add_argument("what", nargs="+", metavar=some)

    history = add("history", _past("history"), "List realizations, newest first; of a reference, all it was made from.")
    history.add_argument("what", nargs="*", metavar=some)
    history.add_argument("--all", action="store_true", help="and those that were invalidated")
    history.add_argument("--limit", type=_limit, default=50, metavar="N", help="at most so many (default: 50)")
    told = "Compare two realizations stage by stage: code, parameters, inputs, metrics."
    compare = add("compare", _past("compare_two"), told)
    compare.add_argument("first", metavar="RREF")
    compare.add_argument("second", metavar="RREF")


def _past(name: str) -> Callable[[argparse.Namespace], int]:
    def command(arguments: argparse.Namespace) -> int:
        from stageloom.cli import history

        run: Callable[[argparse.Namespace], int] = getattr(history, name)
        return run(arguments)

    return command


def _keeping(name: str) -> Callable[[argparse.Namespace], int]:
    def command(arguments: argparse.Namespace) -> int:
        from stageloom.cli import keeping

        run: Callable[[argparse.Namespace], int] = getattr(keeping, name)
        return run(arguments)

    return command


def _jobs(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of stages, 1 or more")
    return int(text)


def _limit(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number, 0 or more")
    return int(text)


def _size(text: str) -> int:
    """Return the bytes that ``text`` means."""
    from stageloom.cli.selection import parse_size

    try:
        return parse_size(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: write 10GB, 512 MiB or 1000") from None


def _time(text: str) -> float:
    """Return the seconds that ``text`` means."""
    from stageloom.cli.selection import parse_time

    try:
        return parse_time(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write 30d, 12h or 90min") from None
