"""How the command line says things to people."""

from __future__ import annotations

import sys
import time

from stageloom.rpc.messages import Failure, Problem, Reason, StageStatus


def duration(seconds: float) -> str:
    """Return ``seconds`` as ``3.4 s``, ``12 min 5 s``, ``340 ms``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def size(count: int) -> str:
    """Return a number of bytes as ``1.2 MB``."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{value / 1000:.1f} TB"


def age(at: float, now: float | None = None) -> str:
    """Return how long ago ``at`` was: ``just now``, ``5 min ago``, ``2 h ago``, ``3 days ago``."""
    seconds = max(0.0, (time.time() if now is None else now) - at)
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 86400:
        return f"{seconds / 3600:.0f} h ago"
    days = seconds / 86400
    return f"{days:.0f} day{'s' if days >= 1.5 else ''} ago"


def stage_line(stage: StageStatus, width: int) -> str:
    """Return one line about a stage as it stands."""
    if stage.is_ == "cached" and stage.realization is not None:
        made = stage.realization
        words = f"cached · {age(made.at)} · {size(made.size)} · took {duration(made.took)}"
    elif stage.is_ == "stale":
        more = f" (and {len(stage.reasons) - 2} more: stageloom why)" if len(stage.reasons) > 2 else ""
        words = "stale: " + "; ".join(reason.summary for reason in stage.reasons[:2]) + more
    elif stage.is_ == "absent":
        words = "never realized"
    elif stage.is_ == "broken":
        words = "has a problem"
    else:
        words = "not known before what it depends on has run"
    return f"{stage.name:<{width}}  {words}"


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
