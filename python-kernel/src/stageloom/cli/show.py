"""How the command line says things to people.

What it says of a stage is what the editor says (``protocol/words`` there); ``tests/shared/words.json`` compares.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # a command with nothing to do says so without them
    from collections.abc import Sequence

    from stageloom.rpc.messages import Failure, LastRun, Problem, Reason, StageStatus

#: What a run says of a stage that is there already.
KEPT = "cached"

_FAILURES = {
    "no-interpreter": "no Python interpreter",
    "old-interpreter": "Python is too old",
    "missing-package": "a package is missing",
    "import-failed": "the file cannot be imported",
    "missing-output": "a promised file was not written",
    "unstorable": "what it returned cannot be stored",
    "unserialisable": "a parameter cannot be stored",
    "damaged": "an artifact is damaged",
    "code-changed": "the code changed meanwhile",
    "store": "the store cannot be used",
    "disk-full": "the disk is full",
    "crashed": "the kernel crashed",
    "killed": "the kernel was killed",
    "timeout": "it took too long",
    "refused": "the pool refused it",
    "lost-session": "the session is lost",
}


def duration(seconds: float) -> str:
    """Return ``seconds`` as ``3.4 s``, ``12 min 5 s``, ``340 ms``."""
    if seconds < 0.001:
        return "< 1 ms"
    if seconds < 0.9995:
        return f"{_rounded(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = _rounded(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _in_two(whole // 60, "min", whole % 60, "s")
    return _in_two(whole // 3600, "h", whole % 3600 // 60, "min")


def _in_two(large: int, unit: str, rest: int, smaller: str) -> str:
    return f"{large} {unit}" + (f" {rest} {smaller}" if rest else "")


def _rounded(value: float) -> int:
    """Return the nearest whole number, a half upwards as JavaScript does."""
    return int(value + 0.5)


def size(count: int) -> str:
    """Return a number of bytes as ``1.2 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 9.95 and unit != "B" else f"{_rounded(value)} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def age(at: float, now: float | None = None) -> str:
    """Return how long ago ``at`` was: ``just now``, ``5 min ago``, ``2 h ago``, ``yesterday``, ``3 days ago``."""
    seconds = max(0.0, (time.time() if now is None else now) - at)
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{int(seconds // 60)} min ago"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h ago"
    days = int(seconds // 86400)
    return "yesterday" if days == 1 else f"{days} days ago"


def state_words(stage: StageStatus, now: float | None = None) -> str:
    """Return how a stage stands, in the words that the editor has over it."""
    if stage.is_ == "cached" and stage.realization is not None:
        made = stage.realization
        if stage.note:
            return f"{_kept(made.pinned)} · {stage.note} · {age(made.at, now)}"
        return cached_words(made.at, made.size, made.took, made.pinned, now)
    if stage.last_run is not None:
        return last_run_words(stage.last_run, now)
    if stage.is_ == "stale":
        first, more = stage.reasons[:1], len(stage.reasons) - 1
        told = reason_words(first[0], stage.function) if first else "something changed"
        return f"stale: {told}" + (f" (and {more} more)" if more > 0 else "")
    if stage.is_ == "absent":
        return "never realized"
    if stage.is_ == "broken":
        return "has a problem"
    return "not known before what it needs has run"


def last_run_words(last: LastRun, now: float | None = None) -> str:
    """Return how a run ended that made nothing, and when."""
    told = f"failed: {failure_words(last.failure)}" if last.is_ == "failed" else "cancelled"
    return f"{told} · {age(last.at, now)}"


def cached_words(at: float, count: int, took: float, pinned: object, now: float | None = None) -> str:
    """Return how a stage stands that was made at that time, with that many bytes, in that many seconds."""
    return f"{_kept(pinned)} · {age(at, now)} · {size(count)} · took {duration(took)}"


def _kept(pinned: object) -> str:
    return f"{KEPT} · pinned" if pinned else KEPT


def kept_line(name: str, width: int) -> str:
    """Return the line of a run about a stage that is there already."""
    return f"{name:<{width}}  {KEPT}"


def forecast(stages: Sequence[StageStatus]) -> str:
    """Return what a run of ``stages`` would come to, by past runs; empty where all are cached."""
    missing = [stage for stage in stages if stage.is_ in ("stale", "absent", "unknown")]
    if not missing:
        return ""
    sure = [stage for stage in missing if not _may_stand(stage)]
    known = [stage.expects for stage in sure if stage.expects is not None]
    told = f"{len(sure)} would run" if sure else "nothing is sure to run"
    if known:
        new = len(sure) - len(known)
        told += f", about {duration(sum(known))} by past runs" + (f" and {new} never timed" if new else "")
    later = len(missing) - len(sure)
    return told + (f"; {later} {'depends' if later == 1 else 'depend'} on what comes of that" if later else "")


def _may_stand(stage: StageStatus) -> bool:
    """Return whether all that is against a stage is what it depends on, which may come out as it was."""
    return stage.is_ == "unknown" or (
        bool(stage.reasons) and all(reason.kind == "dependency" for reason in stage.reasons)
    )


def nothing_to_do(count: int) -> str:
    """Return the last line of a run that found all of its stages there."""
    return f"Nothing to do: {'it is' if count == 1 else f'all {count} stages are'} cached"


def reason_words(reason: Reason, own: str) -> str:
    """Return a reason in a few words; ``own`` is the stage's function: of other code it is said which."""
    if reason.kind != "code" or not reason.subject:
        return reason.summary
    name = reason.subject.rpartition(":")[2]
    if name == own or name.startswith(f"{own}.") or reason.summary == "code changed":
        return "code changed"
    return f"code changed: {reason.summary.removesuffix(' changed')}"


def failure_words(failure: Failure) -> str:
    """Return a failure in a few words: an exception of the user's code by its name."""
    if failure.kind == "exception" and failure.exception:
        return failure.exception.rpartition(".")[2]
    if failure.kind == "missing-package" and failure.package:
        return f'package "{failure.package}" is missing'
    line = failure.message.partition("\n")[0]
    return _FAILURES.get(failure.kind, f"{line[:79]}…" if len(line) > 80 else line)


def stage_line(stage: StageStatus, width: int) -> str:
    """Return one line about a stage as it stands."""
    return f"{stage.name:<{width}}  {state_words(stage)}"


def problem_lines(problem: Problem) -> str:
    """Return a problem as compilers print theirs."""
    span = problem.span
    return f"{span.path}:{span.line + 1}:{span.column + 1}: {problem.severity}: {problem.message}"


def failure_lines(failure: Failure) -> str:
    """Return all there is to say about a failure, what to do last."""
    parts = [failure.detail.rstrip() or failure.message]
    if failure.message not in parts[0]:
        parts.append(failure.message)
    if failure.advice:
        parts.append(failure.advice)
    if failure.command and failure.command not in failure.advice:
        parts.append(f"  {failure.command}")
    return "\n".join(parts)


def last_run_lines(last: LastRun) -> str:
    """Return how a run ended that made nothing, the traceback and what to do with it, and where its log is."""
    log = os.path.join(last.folder, "log.txt")
    kept = [f"It printed: {log}"] if os.path.exists(log) else []
    return "\n".join([failure_lines(last.failure), *kept] if last.is_ == "failed" else kept)


def reason_lines(reason: Reason) -> str:
    """Return a reason with its difference, if it has one."""
    import difflib

    lines = [f"{reason.kind}: {reason.summary}"]
    if reason.kind == "code" and reason.before is not None and reason.after is not None:
        difference = difflib.unified_diff(
            reason.before.splitlines(), reason.after.splitlines(), "before", "after", lineterm="", n=2
        )
        lines.extend(f"    {line}" for line in difference)
    return "\n".join(lines)


def say(text: str = "") -> None:
    """Print a line on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
