"""The commands' words, and what an exit code means."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from stageloom._version import VERSION
from stageloom.cli import commands
from stageloom.cli.place import UsageError
from stageloom.cli.show import complain

#: 0 it is so · 1 a stage failed, or ``status --check`` found one that isn't cached · 2 the words or the source are
#: wrong · 3 the store can't be used · 130 interrupted.
OK, FAILED, USAGE, STORE, INTERRUPTED = 0, 1, 2, 3, 130

_CODES = (
    "exit codes: 0 done, 1 a stage failed or (status --check) isn't cached, 2 usage or source, 3 store, 130 interrupted"
)


def run(words: Sequence[str] | None) -> int:
    """Parse ``words`` and run the command."""
    from stageloom.engine.project import UnknownParameterError, UnknownStageError
    from stageloom.engine.workspace import NoSuchRealizationError
    from stageloom.store.errors import StoreError

    arguments = _parser().parse_args(words)
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

    realize = add("realize", commands.realize, "Run what is missing of the named stages and all they depend on.")
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
    return parser
