"""What a file's derivations look like from its source alone: a guess, for only running the file can tell."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from stageloom.model.classes import dataclass, field, replace
from stageloom.model.values import Json
from stageloom.rpc.messages import Span

#: The modules that derivations are written with.
MODULES = ("stageloom.derivations", "stageloom.pylightnix.manual", "stageloom.pylightnix")

#: What makes a derivation.
_MAKERS = ("mkdrv", "fetchurl", "mknode", "fetchurl2", "fetchlocal", "unpack", "mkdrvE", "autodrv", "autodrv_")
#: What makes a stage of the function that it decorates.
_DECORATORS = ("autostage", "autostage_", "autostage2")


@dataclass(frozen=True, slots=True)
class StageFunction:
    """A function that takes a manager and returns a DRef.

    ``name`` is the function's; ``stage`` what its configuration calls the stage, else the function's name.
    ``first_line`` counts from 1 and is that of the first decorator, as in code objects. An *entry* can be called with
    the manager alone. ``alias`` names the function whose DRef this one passes on. ``needs`` names other stage
    functions, by the parameter they seem to come in by, or by their own name. ``configuration`` is what is written out.
    ``registry`` is the parameter by which the manager is given, where that is not the first. ``uses`` are names in its
    configuration, or given to ``m.stage(…)``, which may be function stages.
    """

    name: str
    stage: str
    span: Span
    first_line: int
    entry: bool
    makes: bool
    doc: str = ""
    alias: str = ""
    needs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    configuration: Mapping[str, Json] = field(default_factory=dict)
    registry: str = ""
    uses: Sequence[str] = ()


def imports_derivations(tree: ast.Module) -> bool:
    """Return whether the module imports anything of :data:`MODULES`."""
    return Names(tree).any


def stage_functions(tree: ast.Module, path: str) -> list[StageFunction]:
    """Return the stage functions at the top level of a module, in order; none where it imports no derivations.

    They are the functions that call ``mkdrv``, those that pass their manager on to one that does and return something,
    and those that say ``Manager`` of their first parameter and return something.
    """
    names = Names(tree)
    if not names.any:
        return []
    drafts = {draft.name: draft for draft in (_Draft(node, names) for node in _functions(tree.body)) if draft.manager}
    known = {
        name
        for name, draft in drafts.items()
        if draft.makes or ((draft.annotated or draft.redefines) and draft.returns)
    }
    while True:
        more = {name for name, one in drafts.items() if name not in known and one.returns and one.calls(known)}
        if not more:
            break
        known |= more
    stages = {name: draft for name, draft in drafts.items() if name in known}
    needs, uses = _needs(stages), _uses(drafts.values(), stages)
    found = {name: _finished(draft, path, stages, needs[name], uses[name]) for name, draft in stages.items()}
    return [replace(one, alias="", needs={}) if _leads_back(one, found) else one for one in found.values()]


def _leads_back(function: StageFunction, functions: Mapping[str, StageFunction]) -> bool:
    """Return whether functions only pass on what one another return, and none of them makes anything."""
    seen = set()
    while function.alias:
        if function.name in seen:
            return True
        seen.add(function.name)
        function = functions[function.alias]
    return False


class Names:
    """What the module calls the things that it imports."""

    def __init__(self, tree: ast.Module) -> None:
        self.any = False
        self.star = False
        self.registries = False
        self._things: dict[str, str] = {}
        self._modules: set[str] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                self._import_from(node)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if _is_ours(alias.name):
                        self.any = True
                        self.registries = self.registries or _has_registries(alias.name)
                        self._modules.add(alias.asname or alias.name)

    def _import_from(self, node: ast.ImportFrom) -> None:
        if node.module is None:
            return
        for alias in node.names:
            if f"{node.module}.{alias.name}" in MODULES:
                self.any = True
                self._modules.add(alias.asname or alias.name)
        if _is_ours(node.module):
            self.any = True
            self.registries = self.registries or _has_registries(node.module)
            for alias in node.names:
                if alias.name == "*":
                    self.star = True
                else:
                    self._things[alias.asname or alias.name] = alias.name

    def says(self, node: ast.expr | None, thing: str) -> bool:
        """Return whether an expression names ``thing`` of the derivations module."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = _parsed(node.value)
        if isinstance(node, ast.Name):
            return self._things.get(node.id, node.id if self.star else "") == thing
        if isinstance(node, ast.Attribute):
            return node.attr == thing and ast.unparse(node.value) in self._modules
        return False


class _Draft:
    """A function of the module, read for itself."""

    def __init__(self, node: ast.FunctionDef, names: Names) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args]
        self.name = node.name
        self.node = node
        self.decorator = _decorator(node, names)
        self.registry = "r" if self.decorator is not None else _registry(node, names)
        self.manager = self.registry or (arguments[0].arg if arguments else "")
        self.positional = [one.arg for one in arguments]
        self.parameters = [one for one in self.positional if one != self.manager]
        self.parameters += [one.arg for one in node.args.kwonlyargs if one.arg != self.manager]
        self.entry = _required(node) <= {self.manager}
        self.annotated = bool(self.registry) or (bool(arguments) and names.says(arguments[0].annotation, "Manager"))
        self.all_calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
        self.makes = any(names.says(call.func, maker) for call in self.all_calls for maker in _MAKERS)
        if self.decorator is not None:
            self._decorated(self.decorator)
        self._redefining = {id(call): call for call in self.all_calls if names.says(call.func, "redefine")}
        self.redefines = bool(self._redefining)
        self.returned = [one.value for one in own_nodes(node) if isinstance(one, ast.Return) and one.value is not None]
        self.returns = bool(self.returned)
        self._configuring = [one for one in self.all_calls if names.says(one.func, "mkconfig")]
        self.configuration = self._read_configuration(names)
        if isinstance(self.decorator, ast.Call):
            self.configuration = _constants(self.decorator)
        self.bound = {
            target.id: one.value
            for one in ast.walk(node)
            if isinstance(one, ast.Assign)
            for target in one.targets
            if isinstance(target, ast.Name)
        }

    def uses(self) -> list[str]:
        """Return the names from outside the function that its configuration has, or that ``m.stage(…)`` is given."""
        own = {*self.parameters, *self.bound, self.manager}
        inside: list[ast.expr] = [one for call in self.all_calls if self.is_stage_of(call) for one in call.args]
        inside += [one for call in self.all_calls if call in self._configuring for one in call.args]
        named = (node for one in inside for node in ast.walk(one) if isinstance(node, ast.Name))
        return list(dict.fromkeys(node.id for node in named if node.id not in own))

    def is_stage_of(self, call: ast.Call) -> bool:
        """Return whether ``call`` is ``m.stage(…)``."""
        return is_stage_of(call, self.manager)

    def calls(self, known: set[str]) -> list[ast.Call]:
        """Return the calls of ``known`` functions that are given this one's manager."""
        return [call for call in self.all_calls if self.called(call) in known and self._passes_manager(call)]

    def called(self, call: ast.Call) -> str:
        """Return the name of the function that is called, or redefined and called; empty where it can't be seen."""
        function: ast.expr = call.func
        if isinstance(function, ast.Name) and id(self.bound.get(function.id)) in self._redefining:
            function = self.bound[function.id]
        if isinstance(function, ast.Call) and id(function) in self._redefining and function.args:
            function = function.args[0]
        return function.id if isinstance(function, ast.Name) else ""

    def _decorated(self, decorator: ast.expr) -> None:
        """Take the function for what a decorator makes of it: a stage of its arguments, given by name."""
        given = {one.arg for one in decorator.keywords} if isinstance(decorator, ast.Call) else set()
        needed = _required(self.node) - given - {"build", "rindex"}
        self.makes, self.entry = True, not needed
        self.positional = [self.manager]
        self.parameters = sorted(needed)

    def _passes_manager(self, call: ast.Call) -> bool:
        given: list[ast.expr] = [one.value for one in call.keywords]
        given += call.args if self.registry else call.args[:1]
        return any(isinstance(one, ast.Name) and one.id == self.manager for one in given)

    def _read_configuration(self, names: Names) -> dict[str, Json]:
        for call in self.all_calls:
            if names.says(call.func, "mkconfig") and len(call.args) == 1 and isinstance(call.args[0], ast.Dict):
                written = call.args[0]
                return {
                    key.value: cast(Json, value.value)
                    for key, value in zip(written.keys, written.values, strict=True)
                    if isinstance(key, ast.Constant)
                    and isinstance(key.value, str)
                    and isinstance(value, ast.Constant)
                    and (value.value is None or type(value.value) in (bool, int, float, str))
                }
        return {}


def _finished(
    draft: _Draft,
    path: str,
    stages: Mapping[str, _Draft],
    needs: Mapping[str, Sequence[str]],
    uses: Sequence[str],
) -> StageFunction:
    configured = draft.configuration.get("name")
    function = StageFunction(
        name=draft.name,
        stage=configured if isinstance(configured, str) and configured else draft.name,
        span=_span_of_name(draft.node, path),
        first_line=min([draft.node.lineno, *(one.lineno for one in draft.node.decorator_list)]),
        entry=draft.entry,
        makes=draft.makes,
        doc=(ast.get_docstring(draft.node) or "").strip(),
        needs=needs,
        configuration={key: value for key, value in draft.configuration.items() if key != "name"},
        registry=draft.registry,
        uses=uses,
    )
    if draft.makes:
        return function
    passed_on = _stage_of(draft.returned[-1], draft, stages) if draft.returned else ""
    return replace(function, alias=passed_on, needs={"": [passed_on]} if passed_on else needs)


def _needs(stages: Mapping[str, _Draft]) -> dict[str, dict[str, list[str]]]:
    """Return for each stage function what it seems to depend on, by parameter, or by name where it calls it itself."""
    needs: dict[str, dict[str, list[str]]] = {name: {} for name in stages}
    for caller in stages.values():
        for call in caller.calls(set(stages)):
            called = stages[caller.called(call)]
            for parameter, argument in _arguments(call, called):
                stage = _stage_of(argument, caller, stages)
                if stage and stage not in needs[called.name].setdefault(parameter, []):
                    needs[called.name][parameter].append(stage)
            if caller.makes and called is not caller:
                needs[caller.name][called.name] = [called.name]
    for name, draft in stages.items():
        for parameter in draft.parameters:
            if not needs[name].get(parameter):
                alike = {parameter, f"stage_{parameter}", f"stage_{parameter.removeprefix('ref_')}"}
                needs[name][parameter] = [other for other in stages if other in alike and other != name]
        needs[name] = {role: found for role, found in needs[name].items() if found}
    return needs


def _uses(drafts: Iterable[_Draft], stages: Mapping[str, _Draft]) -> dict[str, list[str]]:
    """Return the names that may be function stages: those in configurations, and what ``m.stage(…)`` is given of."""
    uses = {name: draft.uses() if draft.makes else [] for name, draft in stages.items()}
    for caller in drafts:
        for call in caller.calls(set(stages)):
            given = [one for _, one in _arguments(call, stages[caller.called(call)])]
            named = (one.args for one in given if isinstance(one, ast.Call) and caller.is_stage_of(one))
            found = [one.id for those in named for one in those if isinstance(one, ast.Name)]
            uses[caller.called(call)] = list(dict.fromkeys([*uses[caller.called(call)], *found]))
    return uses


def _arguments(call: ast.Call, called: _Draft) -> Iterator[tuple[str, ast.expr]]:
    yield from ((name, one) for name, one in zip(called.positional, call.args, strict=False) if name != called.manager)
    yield from ((one.arg, one.value) for one in call.keywords if one.arg in called.parameters and one.arg is not None)


def _stage_of(node: ast.expr, within: _Draft, stages: Mapping[str, _Draft]) -> str:
    """Return the stage function whose DRef an expression seems to hold; empty where it can't be seen."""
    for _ in range(10):
        if isinstance(node, ast.Call):
            return within.called(node) if within.called(node) in stages else ""
        if not isinstance(node, ast.Name) or node.id not in within.bound:
            return ""
        node = within.bound[node.id]
    return ""


def is_stage_of(call: ast.Call, manager: str) -> bool:
    """Return whether ``call`` asks ``manager`` for the reference of a function stage."""
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr == "stage"
        and isinstance(function.value, ast.Name)
        and function.value.id == manager
    )


def _decorator(node: ast.FunctionDef, names: Names) -> ast.expr | None:
    """Return the decorator that makes a stage of a function."""
    for one in node.decorator_list:
        called = one.func if isinstance(one, ast.Call) else one
        if any(names.says(called, name) for name in _DECORATORS):
            return one
    return None


def _registry(node: ast.FunctionDef, names: Names) -> str:
    """Return the parameter that is a registry: it says so, or is called ``r`` where registries are imported from."""
    arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    for one in arguments:
        if names.says(one.annotation, "Registry"):
            return one.arg
    return "r" if names.registries and any(one.arg == "r" for one in arguments) else ""


def _required(node: ast.FunctionDef) -> set[str]:
    """Return the parameters without a default."""
    arguments = [*node.args.posonlyargs, *node.args.args]
    found = {one.arg for one in arguments[: len(arguments) - len(node.args.defaults)]}
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return found | {one.arg for one, default in pairs if default is None}


def _constants(call: ast.Call) -> dict[str, Json]:
    """Return the plain values among the arguments of a call that are given by name."""
    return {
        one.arg: cast(Json, one.value.value)
        for one in call.keywords
        if one.arg is not None
        and isinstance(one.value, ast.Constant)
        and (one.value.value is None or type(one.value.value) in (bool, int, float, str))
    }


def _has_registries(module: str) -> bool:
    """Return whether a module is of the API in which stage functions take a registry by name."""
    name = "stageloom.pylightnix"
    return (module == name or module.startswith(f"{name}.")) and not module.startswith(f"{name}.manual")


def _is_ours(module: str) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in MODULES)


def _functions(body: Sequence[ast.stmt]) -> Iterator[ast.FunctionDef]:
    """Yield the functions that a module defines at its top level, below conditions too."""
    for statement in body:
        if isinstance(statement, ast.FunctionDef):
            yield statement
        elif isinstance(statement, (ast.If, ast.Try, ast.With)):
            for inner in ("body", "orelse", "finalbody"):
                yield from _functions(getattr(statement, inner, []))


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of the functions and classes in it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            yield from own_nodes(child)


def _span_of_name(node: ast.FunctionDef, path: str) -> Span:
    column = node.col_offset + len("def ")
    return Span(path, node.lineno - 1, column, node.lineno - 1, column + len(node.name))


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
