# noqa: INP001  # a script
"""Write the JSON Schema and the TypeScript types of ``stageloom.rpc.messages``; needs the standard library alone.

Usage: protocol.py <folder> [--check]. With --check nothing is written, and the exit status is 1 where files differ.

A field with a default is optional in what the host alone sends, and required in what it may receive: the kernel always
writes every field, so that a reader need not ask.
"""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from stageloom._version import PROTOCOL
from stageloom.model.values import Json
from stageloom.rpc import messages
from stageloom.rpc.messages import METHODS, Method
from stageloom.rpc.wire import resolve, wire_name

#: What a worker notifies and the host passes on to the engine.
RELAYED = {"job/log", "job/progress"}
DRAFT = "http://json-schema.org/draft-07/schema#"
JSON_TYPE = "boolean | number | string | null | readonly Json[] | { readonly [key: string]: Json }"
JSON_DOC = """JSON. A float that happens to be whole travels as `{ $float: "1.0" }`, an integer beyond 53 bits as
`{ $int: "…" }`: hand such objects on as they are."""
SCALARS = {
    str: ("string", "string"),
    int: ("number", "integer"),
    bool: ("boolean", "boolean"),
    float: ("number", "number"),
}


def received_by_host(method: Method) -> list[object]:
    """Return what the host may get of ``method``: parameters, or the result of what it asked."""
    if method.towards == "host":
        return [method.params]
    return ([method.params] if method.name in RELAYED else []) + ([] if method.result is None else [method.result])


@dataclass
class Names:
    """The types of the module by name, and which of them the host may receive."""

    dataclasses: dict[str, type] = field(default_factory=dict)
    aliases: dict[str, object] = field(default_factory=dict)
    received: set[type] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name, value in vars(messages).items():
            if isinstance(value, type) and is_dataclass(value) and value is not Method:
                self.dataclasses[name] = value
            elif (
                value is not Json
                and get_origin(value) in (Literal, Union, types.UnionType)
                and not name.startswith("_")
            ):
                self.aliases[name] = value
        for method in METHODS:
            for kind in received_by_host(method):
                self.reach(kind)
        sent = {method.params for method in METHODS} - {method.params for method in METHODS if method.name in RELAYED}
        for kind in self.dataclasses.values():  # what travels inside a Json field, such as Realized
            if kind not in self.sent_only(sent):
                self.received.add(kind)

    def reach(self, kind: object) -> None:
        """Count ``kind`` and all it holds as received."""
        if isinstance(kind, type) and is_dataclass(kind):
            if kind not in self.received:
                self.received.add(kind)
                for hint in resolve(kind).values():
                    self.reach(hint)
        elif kind is not Json:
            for argument in get_args(kind):
                self.reach(argument)

    def sent_only(self, roots: Iterable[type]) -> set[type]:
        """Return what only the host sends."""
        before = set(self.received)
        for root in roots:
            self.reach(root)
        reached, self.received = self.received, before
        return reached - before

    def alias(self, members: Iterable[object]) -> str | None:
        """Return the alias that stands for exactly these members."""
        wanted = set(members)
        return next((name for name, value in self.aliases.items() if set(get_args(value)) == wanted), None)

    def optional(self, kind: type) -> set[str]:
        """Return the fields that may be left out."""
        if kind in self.received:
            return set()
        return {f.name for f in fields(kind) if f.default is not MISSING or f.default_factory is not MISSING}


# --- JSON Schema -----------------------------------------------------------------------------------------------------


def schema_of(kind: object, names: Names, *, named: bool = True) -> dict[str, Any]:
    """Return the schema of an annotation."""
    if kind is Json:
        return {}
    if kind in SCALARS:
        return {"type": SCALARS[kind][1]}
    if kind is type(None):
        return {"type": "null"}
    if isinstance(kind, type) and is_dataclass(kind):
        return {"$ref": f"#/definitions/{kind.__name__}"}
    arguments = get_args(kind)
    if get_origin(kind) is Sequence:
        return {"type": "array", "items": schema_of(arguments[0], names)}
    if get_origin(kind) is Mapping:
        return {"type": "object", "additionalProperties": schema_of(arguments[1], names)}
    alias = names.alias(arguments) if named else None
    if alias is not None:
        return {"$ref": f"#/definitions/{alias}"}
    if get_origin(kind) is Literal:
        return {"type": "string", "enum": list(arguments)}
    return union_schema(arguments, names)


def union_schema(arguments: tuple[object, ...], names: Names) -> dict[str, Any]:
    """Return the schema of a union: by its tag where all members have one."""
    if all(is_dataclass(member) for member in arguments):
        members = [schema_of(member, names) for member in arguments]
        return {"type": "object", "required": ["is"], "discriminator": {"propertyName": "is"}, "oneOf": members}
    rest = [member for member in arguments if member is not type(None)]
    inner = [schema_of(rest[0] if len(rest) == 1 else Union[tuple(rest)], names)]  # noqa: UP007  # made from a tuple
    return {"anyOf": [*inner, {"type": "null"}]}


def dataclass_schema(kind: type, names: Names) -> dict[str, Any]:
    """Return the schema of a message."""
    hints, optional = resolve(kind), names.optional(kind)
    return {
        "type": "object",
        "properties": {wire_name(name): schema_of(hint, names) for name, hint in hints.items()},
        "required": [wire_name(name) for name in hints if name not in optional],
        "additionalProperties": False,
    }


def schema(names: Names) -> str:
    """Return the whole schema: every message under ``definitions``, methods under ``methods``."""
    definitions = {name: dataclass_schema(kind, names) for name, kind in names.dataclasses.items()}
    definitions |= {name: schema_of(kind, names, named=False) for name, kind in names.aliases.items()}
    methods = {
        method.name: {
            "towards": method.towards,
            "params": schema_of(method.params, names),
            "result": {"type": "null"} if method.result is None else schema_of(method.result, names),
        }
        for method in METHODS
    }
    whole = {"$schema": DRAFT, "$id": "stageloom", "protocol": PROTOCOL, "methods": methods, "definitions": definitions}
    return json.dumps(whole, indent=2) + "\n"


# --- TypeScript ------------------------------------------------------------------------------------------------------


def type_of(kind: object, names: Names, *, named: bool = True) -> str:
    """Return the TypeScript type of an annotation."""
    if kind is Json:
        return "Json"
    if kind in SCALARS:
        return SCALARS[kind][0]
    if kind is type(None):
        return "null"
    if isinstance(kind, type) and is_dataclass(kind):
        return kind.__name__
    arguments = get_args(kind)
    if get_origin(kind) is Sequence:
        inner = type_of(arguments[0], names)
        return f"readonly ({inner})[]" if "|" in inner or inner.startswith("readonly") else f"readonly {inner}[]"
    if get_origin(kind) is Mapping:
        return f"Readonly<Record<string, {type_of(arguments[1], names)}>>"
    alias = names.alias(arguments) if named else None
    if alias is not None:
        return alias
    if get_origin(kind) is Literal:
        return " | ".join(json.dumps(value) for value in arguments)
    rest = [member for member in arguments if member is not type(None)]
    whole = (names.alias(rest) if named else None) or " | ".join(type_of(member, names) for member in rest)
    return whole if len(rest) == len(arguments) else f"{whole} | null"


def comment(text: str | None, indent: str = "") -> str:
    """Return a docstring as a comment."""
    if not text:
        return ""
    lines = inspect.cleandoc(text).replace("``is_``", "`is`").replace("``", "`").replace("*/", "* /").splitlines()
    if len(lines) == 1:
        return f"{indent}/** {lines[0]} */\n"
    body = "".join(f"{indent} *{' ' + line if line else ''}\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def interface(name: str, kind: type, names: Names) -> str:
    """Return one message as an interface."""
    optional = names.optional(kind)
    body = "".join(
        f"  readonly {wire_name(attribute)}{'?' if attribute in optional else ''}: {type_of(hint, names)};\n"
        for attribute, hint in resolve(kind).items()
    )
    doc = comment(kind.__doc__)
    return (
        f"{doc}export interface {name} {{\n{body}}}\n"
        if body
        else f"{doc}export type {name} = Record<string, never>;\n"
    )


def typescript(names: Names) -> str:
    """Return the module of types."""
    parts = [
        "// Generated from python-kernel/src/stageloom/rpc/messages.py by `npm run protocol`: do not edit.\n",
        f"/** Version of these messages; both sides must agree exactly. */\nexport const PROTOCOL = {PROTOCOL};\n",
        comment(JSON_DOC) + f"export type Json = {JSON_TYPE};\n",
    ]
    parts += [f"export type {name} = {type_of(kind, names, named=False)};\n" for name, kind in names.aliases.items()]
    parts += [interface(name, kind, names) for name, kind in names.dataclasses.items()]
    rows = "".join(
        f"  readonly {json.dumps(method.name)}: {{ readonly towards: {json.dumps(method.towards)}; "
        f"readonly params: {type_of(method.params, names)}; "
        f"readonly result: {'null' if method.result is None else type_of(method.result, names)} }};\n"
        for method in METHODS
    )
    parts.append(f"{comment('Every method: who is asked, with what, and the answer (`null` for a notification).')}"
                 f"export interface Methods {{\n{rows}}}\n")  # fmt: skip
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    """Write or check the two files."""
    folder, check, names, differ = Path(arguments[0]), "--check" in arguments, Names(), []
    for name, text in (("schema.gen.json", schema(names)), ("messages.gen.ts", typescript(names))):
        path = folder / name
        if path.is_file() and path.read_text("utf-8") == text:
            continue
        differ.append(name)
        if not check:
            path.write_text(text, "utf-8", newline="\n")
    if check and differ:
        print(  # noqa: T201  # the tool's answer
            f"{' and '.join(differ)} in {folder} are not what messages.py says: run npm run protocol", file=sys.stderr
        )
        return 1
    print(  # noqa: T201  # the tool's answer
        f"{', '.join(differ)} written" if differ else "the protocol's generated files are up to date"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
