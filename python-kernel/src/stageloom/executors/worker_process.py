"""A worker process of this one, without a host between: started, asked, interrupted, ended, and told how it died."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, BinaryIO, cast

from stageloom.engine.language import JobListener
from stageloom.executors.guard import Guard
from stageloom.rpc import handshake
from stageloom.rpc.endpoint import Endpoint, inline
from stageloom.rpc.errors import ConnectionClosedError, RequestCancelledError, RpcError
from stageloom.rpc.messages import Failure, JobFailed, JobLog, JobOutcome, JobProgress, RealizeJob
from stageloom.rpc.mismatch import WireError
from stageloom.rpc.request import Request

#: How long a job may take to stop when asked, and its process to end when told, in seconds.
_ASK, _TERMINATE = 2.0, 0.25
_GRACE = 1.0
_TAIL = 8000
_CRASHES = {
    "SIGSEGV": "a segmentation fault",
    "SIGBUS": "a bus error",
    "SIGABRT": "an abort",
    "SIGFPE": "an arithmetic error",
    "SIGILL": "an illegal instruction",
}


class WorkerProcess:
    """One worker. Start it on a thread that lives as long as it: Linux ends it with that thread."""

    def __init__(self, name: str, root: Path, guard: Guard) -> None:
        self._name = name
        self._guard = guard
        self._listener: JobListener | None = None
        self._request: Request | None = None
        self._cancelled = self._ending = False
        self._job: RealizeJob | None = None
        self._unwanted: RealizeJob | None = None
        self._greeted = False
        self._tail = b""
        self._lock = threading.Lock()
        program = Path(__file__).resolve().parents[1] / "worker" / "__main__.py"
        self._process = subprocess.Popen(
            [sys.executable, "-X", "utf8", str(program), "--parent", str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
            env=_environment(os.environ),
            start_new_session=True,
        )
        given, taken, errors = self._process.stdin, self._process.stdout, self._process.stderr
        assert given is not None
        assert taken is not None
        assert errors is not None
        guard.add(self._process.pid)
        self._reader = threading.Thread(target=self._read_errors, args=(errors,), daemon=True)
        self._reader.start()
        self._endpoint = Endpoint(cast("BinaryIO", taken), cast("BinaryIO", given))
        self._endpoint.on("job/log", lambda log, _: self._log(log), inline)
        self._endpoint.on("job/progress", lambda progress, _: self._progress(progress), inline)
        self._endpoint.on("log/message", lambda *_: None, inline)
        self._endpoint.start()

    @property
    def alive(self) -> bool:
        """Whether it can take a job: one that did not stop when asked is ending."""
        return self._process.poll() is None and not self._endpoint.closed and not self._cancelled

    def realize(self, job: RealizeJob, listener: JobListener) -> JobOutcome:
        """Run ``job`` and wait for it; how the process died, where it did, is in the outcome."""
        self._listener = listener
        try:
            if not self._greeted:
                handshake.connect(self._endpoint, "worker")
                self._greeted = True
            with self._lock:
                self._request = self._endpoint.submit("worker/realize", job)
                self._job = job
                unwanted = self._unwanted is job
            if unwanted:
                self.cancel(job)
            outcome: JobOutcome = self._request.result()
        except ConnectionClosedError:
            return JobFailed(self._death())
        except RequestCancelledError:
            return JobFailed(Failure("cancelled", "cancelled"))
        except (RpcError, WireError, TimeoutError) as error:
            self.close()
            return JobFailed(Failure("internal", f"A worker process cannot be asked: {error}"))
        else:
            with self._lock:
                self._request = None
                self._cancelled = self._ending  # it stopped when asked, and can go on with another job
            return outcome
        finally:
            self._listener = None

    def cancel(self, job: RealizeJob) -> None:
        """Ask a job to stop, then tell the process to end, then kill it; any number of times, also before it begins."""
        with self._lock:
            self._unwanted = job
            if self._job is not job or self._request is None:
                return
            first, self._cancelled = not self._cancelled, True
            request = self._request
        request.cancel()
        if first:
            threading.Thread(target=self._escalate, args=(request,), daemon=True).start()

    def _escalate(self, request: Request) -> None:
        with contextlib.suppress(TimeoutError):
            with contextlib.suppress(RpcError, WireError):
                request.result(_ASK)
            return
        with self._lock:
            if request is not self._request:
                return
            self._ending = True
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_TERMINATE)
            return
        self._kill()

    def close(self) -> None:
        """End it: its input first, at which it ends by itself; then it, and what its stages started, are killed."""
        self._endpoint.close()
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self._kill()
        self._process.wait()
        self._guard.remove(self._process.pid)

    def kill(self) -> None:
        """End it at once."""
        self._cancelled = self._ending = True
        self._kill()

    def _kill(self) -> None:
        self._signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, number)

    def _death(self) -> Failure:
        """Return how the process ended in the middle of its work."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        self.close()
        self._reader.join(_GRACE)
        if self._cancelled:
            return Failure("cancelled", "cancelled")
        code = self._process.returncode
        detail = self._tail.decode("utf-8", errors="replace").rstrip()
        who = f"{self._name} (process {self._process.pid})"
        if code >= 0:
            advice = "Code that calls os._exit or sys.exit in a thread, or a crash in native code, does this."
            return Failure(
                "crashed", f"{who} ended with exit code {code} in the middle of its work.", advice, detail=detail
            )
        name = signal.Signals(-code).name
        if name in _CRASHES:
            advice = "Native code did this: look at the last lines below, and at the versions of the packages it names."
            return Failure("crashed", f"{who} crashed with {_CRASHES[name]} ({name}).", advice, detail=detail)
        advice = "Another program sent this signal. Realize again."
        if name == "SIGKILL":
            advice = "Systems do this when memory runs out: use less of it, or close other programs, and realize again."
        return Failure("killed", f"{who} was killed by {name}.", advice, detail=detail)

    def _read_errors(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := stream.read1(_TAIL):  # type: ignore[attr-defined]  # a BufferedReader, which has it
                self._tail = (self._tail + chunk)[-_TAIL:]

    def _log(self, message: JobLog) -> None:
        listener = self._listener
        if listener is not None:
            listener.log(message.stream, message.text)

    def _progress(self, message: JobProgress) -> None:
        listener = self._listener
        if listener is not None:
            listener.progress(message.points, message.fraction, message.message)


def _environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a worker, whose hash seed is the same in each."""
    return {**base, "PYTHONHASHSEED": "0"}
