"""Stages that need each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def rings(needs: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the groups of names that need each other, each in the order of ``needs``, as are the groups.

    Names that ``needs`` doesn't have are passed over. A name that needs itself is a group of one.
    """
    place = {name: number for number, name in enumerate(needs)}
    groups = [
        sorted(group, key=place.__getitem__)
        for group in _components(needs)
        if len(group) > 1 or group[0] in needs[group[0]]
    ]
    return sorted(groups, key=lambda group: place[group[0]])


def way_around(group: Sequence[str], needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Return one shortest way from the first of ``group`` back to it, which it begins and ends with."""
    start, members = group[0], set(group)
    came: dict[str, str] = {}
    pending = [start]
    for name in pending:
        for needed in needs[name]:
            if needed == start:
                way = [start, name]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1] if name != start else way
            if needed in members and needed not in came:
                came[needed] = name
                pending.append(needed)
    return [start]


def _components(needs: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Tarjan's strongly connected components, without recursion: a chain may be 10,000 long."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()
    for start in needs:
        if start in order:
            continue
        order[start] = low[start] = len(order)
        stack.append(start)
        waiting.add(start)
        calls = [(start, iter(needs[start]))]
        while calls:
            name, rest = calls[-1]
            for needed in rest:
                if needed in needs and needed not in order:
                    order[needed] = low[needed] = len(order)
                    stack.append(needed)
                    waiting.add(needed)
                    calls.append((needed, iter(needs[needed])))
                    break
                if needed in waiting:
                    low[name] = min(low[name], order[needed])
            else:
                calls.pop()
                if calls:
                    low[calls[-1][0]] = min(low[calls[-1][0]], low[name])
                if low[name] == order[name]:
                    at = stack.index(name) if len(stack) < 2 or stack[-1] != name else len(stack) - 1
                    group, stack[at:] = stack[at:], []
                    waiting.difference_update(group)
                    yield group
