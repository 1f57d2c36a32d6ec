"""The recorded conversation that Python and TypeScript both read.

``golden/session.jsonl`` holds a line per message: who sent it, and the message. Run this file after a message gained
a field: it writes the kernels' lines anew, with that field's default.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stageloom.rpc.messages import METHODS, Method
from stageloom.rpc.wire import decode, encode

PATH = Path(__file__).parent / "golden" / "session.jsonl"
BY_NAME = {method.name: method for method in METHODS}


@dataclass(frozen=True)
class Line:
    """One message of the conversation; ``method`` is that of the request where it is an answer."""

    sender: str
    message: dict[str, object]
    method: Method
    part: str

    def typed(self) -> object:
        """Return the parameters or the result as a dataclass."""
        return decode(self.method.params if self.part == "params" else self.method.result, self.message[self.part])


def lines() -> Iterator[Line]:
    """Yield the conversation; raises where an answer has no request."""
    asked: dict[tuple[str, object], Method] = {}
    for text in PATH.read_text("utf-8").splitlines():
        entry = json.loads(text)
        sender, peer, message = entry["from"], entry["with"], entry["message"]
        if "method" in message:
            method, part = BY_NAME[message["method"]], "params"
            asked[f"{peer} {sender}", message.get("id")] = method
        else:
            other = "host" if sender != "host" else peer
            method, part = asked.pop((f"{peer} {other}", message["id"])), "result"
        yield Line(sender, message, method, part)


def rewrite() -> None:
    """Write the lines of kernels as this version would send them."""
    entries = [json.loads(text) for text in PATH.read_text("utf-8").splitlines()]
    for entry, line in zip(entries, list(lines()), strict=True):
        if line.sender != "host":
            entry["message"][line.part] = encode(line.typed())
    text = "".join(json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n" for entry in entries)
    PATH.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    rewrite()
    sys.exit(0)
