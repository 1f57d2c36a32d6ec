"""What a definition reaches across the files of a snapshot, and the digest of all of it.

Nodes are definitions, the effects of importing a file, and whole files; edges are references. A node's digest covers
its own text and the digests of what it refers to, so one that reaches the same code has the same digest wherever that
lies. Nodes that refer to each other are taken together. Each node is visited once.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from stageloom.model.classes import dataclass
from stageloom.tracking.canonical import BLIND_TO_ANNOTATIONS, Reference
from stageloom.tracking.definition import Definition, Part
from stageloom.tracking.modules import Found, Modules
from stageloom.tracking.summary import Summary

_OWN_NAMES = frozenset({"__name__", "__file__", "__package__", "__spec__", "__path__", "__loader__"})


#: Methods that are used as decorators and whose object doesn't give out again what they decorated.
_KEEPS_NOTHING = frozenset({"cache", "cached", "memo", "memoize"})


#: Libraries whose decorators don't give out again what they decorated.
_WRAPPERS = frozenset({"functools", "numba", "jax", "torch", "joblib", "contextlib", "dataclasses", "typing"})


#: What is read of a definition, as attributes of it.
READ = frozenset({"__doc__", "__annotations__", "__source__"})


class Node(NamedTuple):
    """A part of the project's code.

    *stage*: a definition as the code of a stage, without its defaults and ``@stage``; *definition*: all of it;
    *effects*: what importing the file does; *imports*: that, and what importing what it imports does; *module*: the
    whole file; *project*: every file.
    """

    kind: Literal["stage", "definition", "effects", "imports", "module", "project"]
    path: str
    name: str = ""


@dataclass(slots=True)
class Edges:
    """A node's own digests and labels, what it refers to, and what could not be resolved."""

    own: list[str]
    children: list[Node]
    notes: list[str]


class Reach:
    """Resolves references among the files of a snapshot, by path with their SHA-256. ``summary`` returns a file's."""

    def __init__(self, files: Mapping[str, str], modules: Modules, summary: Callable[[str], Summary]) -> None:
        self._files = files
        self._paths = tuple(files)
        self._reads_sources = False
        self._modules = modules
        self.summary = summary
        self._digests: dict[Node, str] = {}
        self._notes: dict[Node, tuple[str, ...]] = {}
        self._edges: dict[Node, Edges] = {}
        self._behinds: dict[Node, tuple[Node, ...]] = {}
        self._disturbing: dict[str, list[int]] = {}
        self._acting: dict[Node, bool] = {}
        self._is_stage: dict[tuple[str, tuple[str, ...]], bool] = {}
        self._resolved: dict[tuple[str, Reference], list[Node | str]] = {}
        self._registered: Mapping[tuple[str, str], Sequence[Node]] | None = None
        self._went_inside = False

    @property
    def known(self) -> bool:
        """Whether anything was asked."""
        return bool(self._edges or self._resolved or self._is_stage or self._registered)

    def follow(self, before: Reach, changed: set[Node], *, moved: bool) -> set[Node] | None:
        """Take over what is known of the same files ``before`` the own code of some functions ``changed``.

        ``moved`` says that one of them refers to something else now. Returns all that reach one of them, and None where
        nothing was taken over.
        """
        digests, notes = before._digests.copy(), before._notes.copy()
        edges = before._edges.copy()  # last: what has a digest has edges
        known = before._resolved.copy(), before._is_stage.copy(), before._acting.copy(), before._behinds.copy()
        registered = before._registered
        if registered is None or (moved and before._went_inside) or before._reads_sources:
            return None  # what calling them may do decided about others, or their very text
        self._went_inside = before._went_inside
        self._resolved, self._is_stage, self._acting, self._behinds = known
        self._registered = registered
        reached_by: dict[Node, list[Node]] = {}
        for node, own in edges.items():
            for child in own.children:
                reached_by.setdefault(child, []).append(node)
        above = set(changed)
        pending = list(changed)
        while pending:
            for node in reached_by.get(pending.pop(), ()):
                if node not in above:
                    above.add(node)
                    pending.append(node)
        for node in changed:
            edges.pop(node, None)
        for node in above:
            digests.pop(node, None)
            notes.pop(node, None)
        self._edges, self._digests, self._notes = edges, digests, notes
        return above

    # --- questions ---------------------------------------------------------------------------------------------------

    def find(self, path: str, name: str) -> list[Node]:
        """Return the definitions that ``name`` in the file at ``path`` stands for; empty if it stands for none."""
        if self.summary(path).broken:
            return [Node("module", path)]
        return [found for found in self._name(path, name, (), frozenset()) if isinstance(found, Node)]

    def stage_names(self, path: str) -> list[str]:
        """Return the functions in the file at ``path`` that ``@stage`` decorates."""
        return [
            name
            for name, definitions in self.summary(path).bindings.items()
            if any(self._stage_like(path, definition) for definition in definitions)
        ]

    def notes(self, node: Node) -> tuple[str, ...]:
        """Return what could not be resolved below ``node``, whose digest was asked for."""
        return self._notes[node]

    def reached(self, starts: Sequence[Node]) -> Iterator[Node]:
        """Yield all nodes that ``starts`` reach, themselves included."""
        seen = dict.fromkeys(starts)
        pending = list(starts)
        while pending:
            node = pending.pop()
            yield node
            for child in self.edges(node).children:
                if child not in seen:
                    seen[child] = None
                    pending.append(child)

    def own(self, node: Node) -> str:
        """Return the digest of a node's own text."""
        return _hash(self.edges(node).own)

    # --- digests -----------------------------------------------------------------------------------------------------

    def digest(self, start: Node) -> str:
        """Return the digest of all that ``start`` reaches; empty if that is nothing."""
        if start not in self._digests:
            self._visit(start)
        return self._digests[start]

    def _visit(self, start: Node) -> None:  # noqa: C901  # one algorithm
        """Tarjan's algorithm, without recursion: a chain of calls may be as long as the file."""
        digests = self._digests
        order: dict[Node, int] = {}
        low: dict[Node, int] = {}
        stack: list[Node] = []
        waiting: set[Node] = set()
        calls: list[tuple[Node, Iterator[Node]]] = []

        def enter(node: Node) -> None:
            order[node] = low[node] = len(order)
            stack.append(node)
            waiting.add(node)
            calls.append((node, iter(self.edges(node).children)))

        enter(start)
        while calls:
            node, children = calls[-1]
            for child in children:
                if child in digests:
                    continue
                if child not in order:
                    enter(child)
                    break
                if child in waiting:
                    low[node] = min(low[node], order[child])
            else:
                calls.pop()
                if calls:
                    above = calls[-1][0]
                    low[above] = min(low[above], low[node])
                if low[node] == order[node]:
                    members = []
                    while True:
                        member = stack.pop()
                        waiting.discard(member)
                        members.append(member)
                        if member == node:
                            break
                    self._seal(members)

    def _seal(self, members: list[Node]) -> None:
        """Give the nodes of one strongly connected component their digests."""
        digests = self._digests
        notes = self._notes_of(members)
        if len(members) > 1:
            members.sort(key=lambda node: (self.edges(node).own, node))
        index = {member: f"#{number}" for number, member in enumerate(members)}
        parts: list[str] = []
        empty = True
        for member in members:
            edges = self.edges(member)
            below = [index.get(child) or digests[child] for child in edges.children]
            if member.kind == "imports":
                below = sorted(
                    {one for one in below if one and one[0] != "#"}
                )  # in which order files import is no matter
            if edges.own or any(one and one[0] != "#" for one in below):
                empty = False
            parts += [*edges.own, "|", *below, ";"]
        whole = "" if empty else _hash(parts)
        for member in members:
            digests[member] = whole if len(members) == 1 or empty else _hash([whole, index[member]])
            self._notes[member] = notes

    def _notes_of(self, members: Sequence[Node]) -> tuple[str, ...]:
        first: tuple[str, ...] = ()
        found: set[str] = set()
        for member in members:
            edges = self.edges(member)
            found.update(edges.notes)
            for child in edges.children:
                notes = self._notes.get(child)
                if notes:
                    first = notes
                    found.update(notes)
        return first if len(first) == len(found) else tuple(sorted(found))

    # --- edges -------------------------------------------------------------------------------------------------------

    def edges(self, node: Node) -> Edges:
        """Return what ``node`` is and refers to."""
        known = self._edges.get(node)
        if known is None:
            known = self._edges[node] = self._EDGES[node.kind](self, node)
        return known

    def _definition_edges(self, node: Node) -> Edges:
        summary = self.summary(node.path)
        edges = Edges([], [], [])
        as_stage = node.kind == "stage"
        for definition in summary.bindings[node.name]:
            bare = as_stage and self._stage_like(node.path, definition)
            self._add_definition(edges, node.path, definition, bare=bare)
            edges.own += self._place(node.path, definition)
        kept = self._kept().get((node.path, node.name))
        if kept:
            edges.own.append("keeps")
            edges.children.extend(kept)
        return edges

    def _add_definition(self, edges: Edges, path: str, definition: Definition, *, bare: bool = False) -> None:
        self._add(edges, path, definition.part)
        if definition.kind != "function":
            return
        reads_annotations = False
        for part, chain in definition.decorators:
            if not self._is_stage_chain(path, chain):
                edges.own.append("@")
                self._add(edges, path, part)
                reads_annotations = reads_annotations or chain[-1:] == () or chain[-1] not in BLIND_TO_ANNOTATIONS
        if reads_annotations and definition.doc:
            edges.own.append(definition.doc)
        if definition.annotations is not None:
            if reads_annotations:
                self._add(edges, path, definition.annotations)
            else:
                edges.children.extend(self._classes(path, definition.annotations))
        if definition.defaults is not None and not bare:
            edges.own.append("=")
            self._add(edges, path, definition.defaults)

    def _classes(self, path: str, annotations: tuple[str, tuple[Reference, ...]]) -> Iterator[Node]:
        """Yield the project's classes among annotations: what is called on such a value isn't seen otherwise."""
        for reference in annotations[1]:
            for found in self._resolve(path, reference):
                if isinstance(found, Node) and found.kind == "definition" and self._is_class(found):
                    yield found

    def _is_class(self, node: Node) -> bool:
        """Return whether ``node`` is a class, and no plant's configuration, of which counts what is read."""
        classes = [one for one in self._of(node) if one.kind == "class"]
        return any(all(chain[-1:] != ("ConfigBase",) for chain in one.bases) for one in classes)

    def _add(self, edges: Edges, path: str, part: tuple[str, tuple[Reference, ...]]) -> None:
        digest, references = part
        edges.own.append(digest)
        for reference in references:
            for found in self._resolve(path, reference):
                if isinstance(found, Node):
                    edges.children.append(found)
                    if reference[-1] in READ:
                        self._add_read(edges, found, str(reference[-1]))
                else:
                    edges.own.append(found)
            note = self._note(path, reference)
            if note:
                edges.notes.append(note)

    def _add_read(self, edges: Edges, node: Node, what: str) -> None:
        """Add what is read of a definition beside what it does."""
        if what == "__source__" and node.path:
            self._reads_sources = True
            edges.own += ["source", self._files[node.path]]
            edges.notes.append(f"the source of {node.path} is read: all of its text counts")
        elif node.kind == "definition":
            for one in self._of(node):
                if what == "__doc__":
                    edges.own += [one.doc] if one.doc else []
                elif one.annotations is not None:
                    self._add(edges, node.path, one.annotations)

    def _effects_edges(self, node: Node) -> Edges:
        summary = self.summary(node.path)
        edges = Edges([], [], [])
        for definition in summary.effects:
            self._add(edges, node.path, definition.part)
            edges.own += self._place(node.path, definition)
        for definitions in summary.bindings.values():
            for definition in definitions:
                made = definition.defaults if definition.kind == "function" else definition.part
                if made is not None and any(self._acts(one) for one in self._called(node.path, definition)):
                    self._add(edges, node.path, made)
        return edges

    def _place(self, path: str, definition: Definition) -> list[str]:
        """Return how many statements before this one call other files' functions that change something."""
        if definition.kind != "statement" or not definition.part[1]:
            return []
        lines = self._disturbing.get(path)
        if lines is None:
            lines = self._disturbing[path] = sorted(
                {
                    one.lines[0]
                    for definitions in self.summary(path).bindings.values()
                    for one in definitions
                    for called in self._called(path, one)
                    if called.path != path
                    and (self._acts(called) or self._fills(called) or any(self._mutated(called, acts=True)))
                }
            )
        before = bisect_left(lines, definition.lines[0])
        return [f"after {before}"] if before else []

    def _called(self, path: str, definition: Definition) -> Iterator[Node]:
        """Yield the project's functions and classes that making ``definition`` calls."""
        for chain in definition.calls:
            for found in self._definitions(path, chain):
                if not any(self._stage_like(found.path, one) for one in self._of(found)):
                    yield found

    def _acts(self, node: Node) -> bool:
        """Return whether calling ``node`` does something that no definition of the project stands for."""
        known = self._acting.get(node)
        if known is None:
            known = self._acting[node] = any(
                found.startswith(("ext:", "star:")) if isinstance(found, str) else found.kind == "module"
                for path, definition in self._run_by(node)
                for reference in (*definition.acts, *((name,) for name in definition.mutates))
                for found in self._resolve(path, reference)
            )
        return known

    def _run_by(self, node: Node) -> Iterator[tuple[str, Definition]]:
        """Yield what calling ``node`` may run: it, then the functions and classes that it refers to in turn."""
        self._went_inside = True
        pending, seen = [node], {node}
        while pending:
            one = pending.pop()
            for definition in self._of(one):
                yield one.path, definition
                for reference in definition.part[1] if definition.kind in ("function", "class") else ():
                    for found in self._resolve(one.path, reference):
                        if isinstance(found, Node) and found.kind == "definition" and found not in seen:
                            seen.add(found)
                            pending.append(found)

    def _imports_edges(self, node: Node) -> Edges:
        summary = self.summary(node.path)
        if summary.broken:
            return Edges([], [Node("module", node.path)], [])
        edges = Edges([], [], [])
        if self.edges(Node("effects", node.path)).own:
            edges.children.append(Node("effects", node.path))
        for reference in summary.imports:
            edges.children.extend(found for found in self._resolve(node.path, reference) if isinstance(found, Node))
        return edges

    def _module_edges(self, node: Node) -> Edges:
        summary = self.summary(node.path)
        if summary.broken:
            return Edges(["broken", summary.broken], [], [f"{node.path} can't be parsed: it counts whole"])
        names = [
            name
            for name in sorted(summary.bindings)
            if self._is_code(summary.bindings[name]) and name != "__doc__"  # read by its own name only
        ]
        edges = Edges(["module", *names], [Node("definition", node.path, name) for name in names], [])
        for name in sorted(summary.bindings):
            if not self._is_code(summary.bindings[name]):
                edges.own.append(name)
                for found in self._name(node.path, name, (), frozenset()):
                    # what it takes from another file; a module that it merely imports doesn't count whole for that
                    if isinstance(found, Node) and found.kind != "module":
                        edges.children.append(found)
                    elif isinstance(found, str):
                        edges.own.append(found)
        edges.children.append(Node("imports", node.path))
        return edges

    def _project_edges(self, _: Node) -> Edges:
        return Edges(["project", *self._paths], [Node("module", path) for path in self._paths], [])

    # --- stages and registrations ------------------------------------------------------------------------------------

    def _stage_like(self, path: str, definition: Definition) -> bool:
        return definition.kind == "function" and any(
            self._is_stage_chain(path, chain) for _, chain in definition.decorators
        )

    def _is_stage_chain(self, path: str, chain: tuple[str, ...]) -> bool:
        if not chain:
            return False
        key = (path, chain)
        known = self._is_stage.get(key)
        if known is None:
            found = self._name(path, chain[0], chain[1:], frozenset())
            known = self._is_stage[key] = any(
                isinstance(one, str) and one.startswith("ext:stageloom") and one.rpartition(".")[2] == "stage"
                for one in found
            )
        return known

    def _kept(self) -> Mapping[tuple[str, str], Sequence[Node]]:
        """Return the definitions that each name holds because they were registered there when they were made."""
        if self._registered is None:
            found: dict[tuple[str, str], dict[Node, None]] = {}
            for path in self._paths:
                for name, definitions in self.summary(path).bindings.items():
                    for definition in definitions:
                        for holder in self._holders(path, definition):
                            if (holder.path, holder.name) != (path, name):
                                kept = found.setdefault((holder.path, holder.name), {})
                                kept[Node("definition", path, name)] = None
            self._registered = {holder: tuple(kept) for holder, kept in found.items()}
        return self._registered

    def _holders(self, path: str, definition: Definition) -> Iterator[Node]:
        """Yield the nodes that making ``definition`` may change: by a decorator, its base classes or what it calls."""
        for found in self._called(path, definition):
            yield from self._mutated(found, acts=True)
            if self._fills(found):
                made = definition.defaults if definition.kind == "function" else definition.part
                yield from self._values(path, made)
        for part, chain in definition.decorators:
            if not chain or chain[-1] in _KEEPS_NOTHING or self._is_stage_chain(path, chain):
                continue
            for found in self._definitions(path, chain):
                if len(chain) > 1 and any(one.kind != "class" for one in self._of(found)):
                    yield found
                yield from self._mutated(found, acts=True)
                if self._fills(found):
                    yield from self._values(path, part)
                if self._is_value(found) and (len(chain) > 1 or not self._wraps(found)):
                    if found not in self._behinds:
                        self._behinds[found] = tuple(self._behind(found))
                    yield from self._behinds[found]
        yield from self._told(path, definition)

    def _fills(self, node: Node) -> bool:
        """Return whether calling ``node`` may change what it is given."""
        return any(one.fills for _, one in self._run_by(node))

    def _values(self, path: str, part: Part | None) -> Iterator[Node]:
        """Yield the values that a part refers to."""
        for reference in part[1] if part is not None else ():
            for found in self._resolve(path, reference):
                if isinstance(found, Node) and found.kind == "definition" and self._is_value(found):
                    yield found

    def _told(self, path: str, definition: Definition) -> Iterator[Node]:
        """Yield the nodes that are told of a class by its being derived from them."""
        for base in definition.bases:
            for found in self._definitions(path, base):
                lineage = list(self._lineage(found, set()))
                if any(one.registers for node in lineage for one in self._of(node)):
                    for node in lineage:
                        yield node
                        yield from self._mutated(node)

    def _wraps(self, node: Node) -> bool:
        """Return whether a value is made by a library whose decorators keep nothing."""
        self._went_inside = True
        made = [found for one in self._of(node) for ref in one.part[1] for found in self._resolve(node.path, ref)]
        labels = [found for found in made if isinstance(found, str) and found.startswith(("ext:", "star:"))]
        return bool(labels) and all(re.split("[:.]", label)[1] in _WRAPPERS for label in labels)

    def _behind(self, node: Node) -> Iterator[Node]:
        """Yield the value ``node``, what was bound together with it, and all definitions that those refer to."""
        self._went_inside = True
        pending, seen = [node], {node}
        while pending:
            one = pending.pop()
            yield one
            own = self._of(one)
            found: list[Node | str] = [
                Node("definition", one.path, name)
                for name, definitions in self.summary(one.path).bindings.items()
                if self._is_value(one) and any(other.kind == "statement" and other in own for other in definitions)
            ]
            for definition in own:
                for reference in definition.part[1]:
                    found += self._resolve(one.path, reference)
            for other in found:
                if isinstance(other, Node) and other.kind == "definition" and other not in seen:
                    seen.add(other)
                    pending.append(other)

    def _definitions(self, path: str, chain: tuple[str, ...]) -> Iterator[Node]:
        for found in self._resolve(path, chain):
            if isinstance(found, Node) and found.kind == "definition":
                yield found

    def _of(self, node: Node) -> Sequence[Definition]:
        return self.summary(node.path).bindings[node.name]

    def _mutated(self, node: Node, *, acts: bool = False) -> Iterator[Node]:
        """Yield the nodes that calling ``node`` may change; ``acts`` takes any method of a value for a change of it."""
        for path, definition in self._run_by(node):
            for name in definition.mutates:
                yield from self._definitions(path, (name,))
            for reference in definition.acts if acts else ():
                for found in self._resolve(path, reference):
                    if isinstance(found, Node) and found.kind == "definition" and self._is_value(found):
                        yield found

    def _is_value(self, node: Node) -> bool:
        return any(one.kind == "statement" for one in self._of(node))

    def _lineage(self, node: Node, seen: set[Node]) -> Iterator[Node]:
        if node in seen:
            return
        seen.add(node)
        yield node
        for definition in self._of(node):
            for base in definition.bases:
                for found in self._definitions(node.path, base):
                    yield from self._lineage(found, seen)

    # --- names -------------------------------------------------------------------------------------------------------

    @staticmethod
    def _is_code(definitions: Sequence[Definition]) -> bool:
        return any(one.kind != "import" for one in definitions)

    def _note(self, path: str, reference: Reference) -> str:
        kind = reference[0]
        if kind == "$":
            return f"{path} looks names up at run time: all of it counts"
        if kind == "?":
            return f"{path} imports by a computed name: every file of the project counts"
        for found in self._resolve(path, reference):
            if isinstance(found, Node) and found.kind == "module" and not self.summary(found.path).broken:
                how = "computed attributes of" if kind == "*" else "as a value, the module"
                return f"{path} uses {how} {found.path}: all of it counts"
        return ""

    def _resolve(self, path: str, reference: Reference) -> list[Node | str]:
        key = (path, reference)
        known = self._resolved.get(key)
        if known is None:
            known = self._resolved[key] = list(dict.fromkeys(self._targets(path, reference)))
        return known

    def _targets(self, path: str, reference: Reference) -> Iterator[Node | str]:
        kind, rest = reference[0], reference[1:]
        if kind == "$":
            yield Node("module", path)
        elif kind == "?":
            yield Node("project", "")
        elif kind == "*":
            yield from self._targets(path, rest)
        elif kind == "!":
            found = self._modules.relative(path, int(rest[0]), str(rest[1]))
            for file in found.files if found is not None else ():
                yield Node("imports", file)
        elif kind == "@":
            level, module, taken, *attributes = rest
            yield from self._import(path, int(level), str(module), str(taken), tuple(map(str, attributes)), frozenset())
        else:
            yield from self._name(path, str(kind), tuple(map(str, rest)), frozenset())

    def _name(
        self, path: str, name: str, attributes: tuple[str, ...], seen: frozenset[tuple[str, str]]
    ) -> Iterator[Node | str]:
        """Yield what a global name of a file, followed by attributes, stands for: nodes of the project, or labels."""
        if (path, name) in seen:
            return
        seen = seen | {(path, name)}
        summary = self.summary(path)
        definitions = summary.bindings.get(name)
        if definitions is None:
            yield from self._unbound(path, summary, name, attributes, seen)
            return
        if self._is_code(definitions):
            yield Node("definition", path, name)
        for definition in definitions:
            if definition.kind == "import":
                _, level, module, taken = definition.part[1][0]
                yield from self._import(path, int(level), str(module), str(taken), attributes, seen)

    def _unbound(
        self, path: str, summary: Summary, name: str, attributes: tuple[str, ...], seen: frozenset[tuple[str, str]]
    ) -> Iterator[Node | str]:
        for level, module in summary.stars:
            found = self._modules.relative(path, level, module)
            if found is None or found.file is None:
                yield f"star:{'.' * level}{module}"
                continue
            target = self.summary(found.file)
            if target.broken:
                yield Node("module", found.file)
            elif not name.startswith("_") or name in target.exports:
                for one in self._name(found.file, name, attributes, seen):
                    if isinstance(one, Node) or not one.startswith("free:"):
                        yield one
        yield f"free:{path}:{name}" if name in _OWN_NAMES else f"free:{name}"

    def _import(
        self,
        path: str,
        level: int,
        module: str,
        taken: str,
        attributes: tuple[str, ...],
        seen: frozenset[tuple[str, str]],
    ) -> Iterator[Node | str]:
        found = self._modules.relative(path, level, module)
        if found is None:
            yield f"ext:{'.' * level}{module}.{taken}" if taken else ".".join((f"ext:{module}", *attributes[:1]))
            return
        yield from self._member(found, (taken, *attributes) if taken else attributes, seen)

    def _member(
        self, module: Found, attributes: tuple[str, ...], seen: frozenset[tuple[str, str]]
    ) -> Iterator[Node | str]:
        """Yield what ``module.a.b`` stands for."""
        if not attributes:
            if module.file is not None:
                yield Node("module", module.file)
            return
        name, rest = attributes[0], attributes[1:]
        if module.file is not None:
            summary = self.summary(module.file)
            if summary.broken:
                yield Node("module", module.file)
                return
            if name == "__dict__":
                yield Node("module", module.file)
                return
            if name in summary.bindings:
                yield from self._name(module.file, name, rest, seen)
                return
        inner = self._modules.within(module, name)
        if inner is not None:
            yield from self._member(inner, rest, seen)
        elif module.file is not None:
            if "__getattr__" in self.summary(module.file).bindings:
                yield Node("module", module.file)
            yield from self._name(module.file, name, rest, seen)

    _EDGES: ClassVar[Mapping[str, Callable[..., Edges]]] = {
        "stage": _definition_edges,
        "definition": _definition_edges,
        "effects": _effects_edges,
        "imports": _imports_edges,
        "module": _module_edges,
        "project": _project_edges,
    }


def _hash(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
