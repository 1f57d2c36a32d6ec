"""The worker's program: ``python -m stageloom.worker``, or this file by its path, with ``-I`` too.

Runs in any interpreter, with no package installed. ``--parent <pid>`` tells which process it must not outlive, also
where that ends before the worker has looked; ``--no-death-signal`` is for a host whose starting thread may end earlier.
"""

from __future__ import annotations

import os
import sys


def _find_package() -> None:
    """Have ``stageloom`` import from where this file is, and nothing of the project shadow what others import."""
    here = os.path.dirname(os.path.abspath(__file__))
    source = os.path.dirname(os.path.dirname(here))
    if not sys.flags.isolated and sys.path and sys.path[0] in ("", here, os.getcwd()):
        del sys.path[0]  # what -m and a path put first
    if source not in sys.path:
        sys.path.insert(0, source)


def _leave_to_parent(*descriptors: int) -> None:
    """Have a forked child neither speak on the worker's connection nor keep it open."""
    from stageloom.progress import silence

    silence()
    for descriptor in descriptors:
        os.close(descriptor)


def main() -> None:
    """Take the connection off descriptors 0 and 1, and serve it; never returns."""
    _find_package()
    reader, writer, errors = os.dup(0), os.dup(1), os.dup(2)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    import faulthandler

    from stageloom.worker.capture import NoInput
    from stageloom.worker.native import buffer_c_by_line
    from stageloom.worker.parent import end_now, watch_parent
    from stageloom.worker.server import Server

    faulthandler.enable(errors)
    sys.stdin = sys.__stdin__ = NoInput()  # type: ignore[assignment,misc]  # for the life of the process
    arguments, sys.argv = sys.argv[1:], [""]
    parent = int(arguments[arguments.index("--parent") + 1]) if "--parent" in arguments else 0
    watch_parent(end_now, parent, signal_too="--no-death-signal" not in arguments)
    server = Server(os.fdopen(reader, "rb"), os.fdopen(writer, "wb", 0))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: _leave_to_parent(reader, writer))
    buffer_c_by_line()
    server.run()


if __name__ == "__main__":
    main()
