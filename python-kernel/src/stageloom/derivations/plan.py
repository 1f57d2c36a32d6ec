"""What a planner answers of a file's derivations, once it has imported the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

from stageloom.derivations.instantiate import Instances, instantiate, unique
from stageloom.derivations.manager import Made
from stageloom.derivations.neighbours import Neighbours
from stageloom.derivations.project import Project
from stageloom.derivations.read import all_functions
from stageloom.derivations.source import StageFunction
from stageloom.model.values import Json
from stageloom.rpc.messages import Planned, PlannedStage, Problem
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.snapshot import Snapshot

#: What a file that has derivations alone is planned with.
_ALONE = Neighbours()


def plan(
    module: ModuleType,
    path: str,
    snapshot: Snapshot,
    code: Code,
    sets: Mapping[str, Json],
    neighbours: Neighbours = _ALONE,
) -> Planned:
    """Return the derivations that the stage functions of ``module``, imported from ``path``, make; none if it has none.

    ``module`` was imported from ``snapshot``, whose code ``code`` is.
    """
    instances = instances_of(module, path, snapshot, code, sets, neighbours)
    names = {made.key: name for name, made in instances.stages.items()}
    stages = [_stage(name, made, names) for name, made in instances.stages.items()]
    taken = set(instances.stages)
    functions = {one.name: one for one in all_functions(snapshot, path, neighbours.wanted)}
    for function, target in instances.aliases.items():
        made = instances.stages[target]
        name = unique(function, taken)
        taken.add(name)
        stages.append(
            PlannedStage(
                name=name,
                function=function,
                language="derivation",
                dependencies={"": [target]},
                derivation=made.derivation.as_json(),
                span=functions[function].span,
                doc=functions[function].doc,
                match=made.matcher.match,
                alias=target,
            )
        )
    return Planned(stages, [*instances.problems, *_uncounted(instances)])


def instances_of(
    module: ModuleType,
    path: str,
    snapshot: Snapshot,
    code: Code,
    sets: Mapping[str, Json],
    neighbours: Neighbours = _ALONE,
) -> Instances:
    """Return what the stage functions of ``module`` make; see :func:`plan`."""

    def find(function: StageFunction) -> Callable[..., object] | None:
        home = module if function.span.path == path else neighbours.load(function.span.path)
        found: Callable[..., object] | None = getattr(home, function.name, None)
        return found

    functions = all_functions(snapshot, path, neighbours.wanted)
    return instantiate(find, functions, Project(snapshot, code), sets, neighbours)


def _stage(name: str, made: Made, names: Mapping[str, str]) -> PlannedStage:
    return PlannedStage(
        name=name,
        function=made.function.name if made.function is not None else name,
        language="derivation",
        configuration=made.derivation.configuration,
        dependencies={
            **{role: [names[one.key] for one in few] for role, few in made.needs.items()},
            **{role: [outer] for role, outer in made.outer.items()},
        },
        derivation=made.derivation.as_json(),
        span=made.function.span if made.function is not None else None,
        doc=made.function.doc if made.function is not None else "",
        match=made.matcher.match,
        count=made.matcher.count,
        outputs=max(1, made.realizer.nouts),
        reach="" if made.counts else made.reach,
    )


def _uncounted(instances: Instances) -> list[Problem]:
    return [
        Problem(
            "bad-parameter",
            f"{name}: its realizer uses {', '.join(made.uncounted)} of the function around it, whose content cannot be "
            "counted: a change in it alone is not noticed. Put what it is made from in mkconfig.",
            made.function.span,
            severity="warning",
            stages=[made.function.name],
        )
        for name, made in instances.stages.items()
        if made.uncounted and made.function is not None
    ]
