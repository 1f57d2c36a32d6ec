"""What belongs to the whole process, and what a stage may have changed of it for those that run there after it.

Each kind is read as plain items by name, so that what importing a module changes, which happens once in a process, can
be told from what the stage itself does.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # like signal, without a class around each number
import contextlib
import gc
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Items = Mapping[str, Any]


class CannotRestoreError(Exception):
    """Something that is for good: the process has to be another one."""


class Kind(NamedTuple):
    """``read`` returns the items as they are, ``write`` sets one; ``missing`` stands for one that is not there."""

    read: Callable[[], Items]
    write: Callable[[str, Any], None]


MISSING = object()


def _module(name: str, attribute: str) -> Any:
    """Return a module that has been imported to its end, None if it has not."""
    module = sys.modules.get(name)
    return module if module is not None and hasattr(module, attribute) else None


# --- Python and the system -------------------------------------------------------------------------------------------


def _environment() -> Items:
    # as bytes, since it is read before and after each stage
    return vars(os.environ)["_data"].copy() if os.name != "nt" else {}


def _set_variable(encoded: str, value: Any) -> None:
    name = os.fsdecode(encoded)
    if value is MISSING:
        os.environ.pop(name, None)
    else:
        os.environ[name] = os.fsdecode(value)
    if name == "TZ" and hasattr(time, "tzset"):
        time.tzset()


_HOOKS = ("excepthook", "unraisablehook", "displayhook", "breakpointhook")


def _python() -> Items:
    return {
        "path": tuple(sys.path),
        "argv": tuple(sys.argv),
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "warnings": tuple(warnings.filters),
        "showwarning": warnings.showwarning,
        "collects": gc.isenabled(),
        "thresholds": gc.get_threshold(),
        **{name: getattr(sys, name) for name in _HOOKS},
    }


def _set_python(name: str, value: Any) -> None:
    if name in _HOOKS:
        setattr(sys, name, value)
    elif name in ("path", "argv"):
        getattr(sys, name)[:] = value
    elif name == "warnings":
        warnings.filters[:] = value  # type: ignore[index]  # a list, which typeshed does not promise
        for told in ("_filters_mutated", "_filters_mutated_lock_held"):
            if hasattr(warnings, told):
                with contextlib.suppress(RuntimeError):
                    getattr(warnings, told)()
    elif name == "showwarning":
        warnings.showwarning = value
    elif name == "collects":
        (gc.enable if value else gc.disable)()
    else:
        setters = {"recursion limit": sys.setrecursionlimit, "switch interval": sys.setswitchinterval}
        setters[name](value) if name in setters else gc.set_threshold(*value)


def _signals() -> Items:
    if threading.current_thread() is not threading.main_thread():
        return {}
    found: dict[str, Any] = {str(number): _signal.getsignal(number) for number in range(1, signal.NSIG)}
    if hasattr(signal, "pthread_sigmask"):
        found["blocked"] = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        found["alarm"] = signal.getitimer(signal.ITIMER_REAL)[0] > 0
    return found


def _set_signal(name: str, value: Any) -> None:
    if name == "blocked":
        signal.pthread_sigmask(signal.SIG_SETMASK, value)
    elif name == "alarm":
        if not value:
            signal.setitimer(signal.ITIMER_REAL, 0)
    elif value is None:
        raise CannotRestoreError(f"the handler of signal {name}")
    else:
        signal.signal(int(name), value)


_USUAL_UMASK = 0o022


def _system() -> Items:
    found: dict[str, Any] = {}
    found["umask"] = os.umask(_USUAL_UMASK)  # the only way to ask: another thread may make a file meanwhile
    if found["umask"] != _USUAL_UMASK:
        os.umask(found["umask"])
    if hasattr(os, "sched_getaffinity"):
        found["affinity"] = frozenset(os.sched_getaffinity(0))
    if hasattr(os, "getpriority"):
        found["priority"] = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(ImportError):
        import resource

        for name in ("NOFILE", "AS", "DATA", "STACK", "CORE", "CPU", "FSIZE", "NPROC"):
            number = getattr(resource, f"RLIMIT_{name}", None)
            if number is not None:
                found[f"limit {number}"] = resource.getrlimit(number)
    return found


def _set_system(name: str, value: Any) -> None:
    try:
        if name == "umask":
            os.umask(value)
        elif name == "affinity":
            os.sched_setaffinity(0, value)
        elif name == "priority":
            os.setpriority(os.PRIO_PROCESS, 0, value)
        else:
            import resource

            resource.setrlimit(int(name.split()[1]), value)
    except (OSError, ValueError) as error:
        raise CannotRestoreError(f"{name}: {error}") from error


# --- modules of the standard library ---------------------------------------------------------------------------------


def _logging() -> Items:
    logging = _module("logging", "raiseExceptions")
    if logging is None:
        return {}
    known = {name: one for name, one in logging.root.manager.loggerDict.items() if isinstance(one, logging.Logger)}
    found = {
        f"logger {name}": (one.level, one.propagate, one.disabled, tuple(one.handlers), tuple(one.filters))
        for name, one in {"": logging.root, **known}.items()
    }
    return {**found, "disabled": logging.root.manager.disable, "raises": logging.raiseExceptions}


def _set_logging(name: str, value: Any) -> None:
    import logging

    if value is MISSING:
        return  # made since then: it stays, as does who holds it
    if name == "disabled":
        logging.disable(value)
    elif name == "raises":
        logging.raiseExceptions = value
    else:
        logger = logging.getLogger(name.partition(" ")[2] or None)
        level, logger.propagate, logger.disabled, handlers, filters = value
        logger.setLevel(level)
        logger.handlers[:], logger.filters[:] = handlers, filters


def _library() -> Items:
    found: dict[str, Any] = {}
    locale, decimal, socket = (
        _module("locale", "setlocale"), _module("decimal", "getcontext"), _module("socket", "getdefaulttimeout")
    )  # fmt: skip
    if locale is not None:
        found["locale"] = locale.setlocale(locale.LC_ALL)
    if decimal is not None:
        context = decimal.getcontext()
        traps = tuple(one for one, on in context.traps.items() if on)
        found["decimal"] = (context.prec, context.rounding, context.Emin, context.Emax, context.capitals, traps)
    if socket is not None:
        found["time limit of sockets"] = socket.getdefaulttimeout()
    return found


def _set_library(name: str, value: Any) -> None:
    if value is MISSING:
        return
    if name == "locale":
        import locale

        locale.setlocale(locale.LC_ALL, value)
    elif name == "decimal":
        import decimal

        precision, rounding, least, most, capitals, traps = value
        decimal.setcontext(decimal.Context(precision, rounding, least, most, capitals, traps=list(traps)))
    else:
        import socket

        socket.setdefaulttimeout(value)


# --- packages --------------------------------------------------------------------------------------------------------


def _numpy() -> Items:
    numpy = _module("numpy", "set_printoptions")
    if numpy is None:
        return {}
    return {"print options": numpy.get_printoptions(), "errors": numpy.geterr()}


def _set_numpy(name: str, value: Any) -> None:
    numpy = sys.modules["numpy"]
    if value is not MISSING:
        numpy.set_printoptions(**value) if name == "print options" else numpy.seterr(**value)


def _matplotlib() -> Items:
    matplotlib, helpers = _module("matplotlib", "rcParams"), _module("matplotlib._pylab_helpers", "Gcf")
    if matplotlib is None:
        return {}
    found = {key: value for key, value in dict.items(matplotlib.rcParams) if not key.startswith("backend")}
    return {**found, **({f"figure {number}": True for number in helpers.Gcf.figs} if helpers is not None else {})}


def _set_matplotlib(name: str, value: Any) -> None:
    if name.startswith("figure "):
        if value is MISSING:
            sys.modules["matplotlib._pylab_helpers"].Gcf.destroy(int(name.split()[1]))
        return
    parameters = sys.modules["matplotlib"].rcParams
    if value is MISSING:
        dict.pop(parameters, name, None)
    else:
        dict.__setitem__(parameters, name, value)


def _pandas() -> Items:
    config = _module("pandas._config.config", "_global_config")
    return dict(_leaves(config._global_config, "")) if config is not None else {}  # noqa: SLF001  # there is no other way


def _leaves(options: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in options.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


def _set_pandas(name: str, value: Any) -> None:
    if value is not MISSING:
        sys.modules["pandas"].set_option(name, value)


def _torch() -> Items:
    torch = _module("torch", "set_num_threads")
    if torch is None:
        return {}
    return {
        "set_default_dtype": torch.get_default_dtype(),
        "set_grad_enabled": torch.is_grad_enabled(),
        "use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "set_num_threads": torch.get_num_threads(),
    }


def _set_torch(name: str, value: Any) -> None:
    if value is not MISSING:
        getattr(sys.modules["torch"], name)(value)


KINDS: Mapping[str, Kind] = {
    "environment": Kind(_environment, _set_variable),
    "python": Kind(_python, _set_python),
    "signals": Kind(_signals, _set_signal),
    "system": Kind(_system, _set_system),
    "logging": Kind(_logging, _set_logging),
    "library": Kind(_library, _set_library),
    "numpy": Kind(_numpy, _set_numpy),
    "matplotlib": Kind(_matplotlib, _set_matplotlib),
    "pandas": Kind(_pandas, _set_pandas),
    "torch": Kind(_torch, _set_torch),
}
