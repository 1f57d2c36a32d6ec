"""The operations of the example's pool: the public functions of this module."""

import random
import re
import time
from collections import Counter

from stageloom.worker import call_host


def count_words(text: str) -> dict[str, int]:
    """Count the words of a text."""
    return dict(Counter(re.findall(r"\w+", text.lower())).most_common(3))


def estimate_pi(points: int, seed: int) -> float:
    """Estimate pi by throwing points at a square."""
    throw = random.Random(seed)
    hits = sum(throw.random() ** 2 + throw.random() ** 2 < 1 for _ in range(points))
    return 4 * hits / points


def greet(name: str) -> str:
    """Greet somebody in the words that the program knows."""
    word = call_host("greeting", name)
    return f"{word}, {name}!"


def wait_for_ever() -> None:
    """Never answer."""
    while True:
        time.sleep(1)


def divide(one: float, other: float) -> float:
    """Divide, or raise."""
    return one / other
