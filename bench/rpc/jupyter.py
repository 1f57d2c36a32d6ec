"""Round trips of a Jupyter kernel: from execute to idle, in milliseconds, as JSON."""

from __future__ import annotations

import json
import sys
import time

from jupyter_client.manager import start_new_kernel

rounds = int(sys.argv[1])
started = time.perf_counter()
manager, client = start_new_kernel(kernel_name="python3")
ready = (time.perf_counter() - started) * 1000


def round_trip() -> float:
    """Return how long an empty execution takes."""
    begin = time.perf_counter()
    identity = client.execute("pass")
    while True:
        message = client.get_iopub_msg(timeout=10)
        if message["parent_header"].get("msg_id") == identity and message["content"].get("execution_state") == "idle":
            break
    return (time.perf_counter() - begin) * 1000


try:
    for _ in range(10):
        round_trip()
    sys.stdout.write(json.dumps({"ready": ready, "rounds": [round_trip() for _ in range(rounds)]}))
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
