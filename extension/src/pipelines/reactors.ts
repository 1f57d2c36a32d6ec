import type { SyntaxNode } from "@lezer/common";

import type { ImportedName, WrittenStage } from "./declarations.js";
import { callArguments, calledName, child, children, docstring, hasError, textOf } from "./syntax.js";

const MODULE = "stageloom.pyplant";

/** Whether a file writes its stages as reactors. */
export function writesReactors(imports: readonly ImportedName[]): boolean {
  return imports.some(
    (one) =>
      one.module === MODULE ||
      one.module.startsWith(`${MODULE}.`) ||
      (one.module === "stageloom" && one.name === "pyplant"),
  );
}

/** What a function names: in a name, `*` stands for what only running tells. */
interface Named {
  readonly receives: readonly string[];
  readonly sends: readonly string[];
  readonly calls: readonly string[];
}

interface PlainFunction {
  readonly name: string;
  readonly whole: SyntaxNode;
  readonly node: SyntaxNode;
  readonly at: SyntaxNode;
  readonly body: SyntaxNode;
}

/**
 * A guess at the reactors of a file and at who sends what to whom: by the names that each, and the functions of the
 * file that it calls, spell out. Only running them can tell; the engine guesses in the same way, from all files.
 */
export function guessReactors(script: SyntaxNode, text: string): readonly WrittenStage[] {
  const functions = new Map(topFunctions(script, text).map((one) => [one.name, one]));
  const named = new Map([...functions].map(([name, one]) => [name, namedIn(one.body, text)]));
  const reactors = [...functions.values()].filter((one) => isReactor(one.whole, text));
  const together = new Map(reactors.map((one) => [one.name, reached(one.name, named)]));
  return reactors.map((one) => ({
    is: "reactor",
    name: one.name,
    function: one.name,
    at: { from: one.at.from, to: one.at.to },
    whole: { from: one.whole.from, to: one.whole.to },
    damaged: hasError(one.node),
    dependencies: senders(one.name, together),
    wants: unsent(one.name, together),
    sends: together.get(one.name)?.sends ?? [],
    computed: false,
    doc: docstring(one.body, text),
  }));
}

function topFunctions(script: SyntaxNode, text: string): readonly PlainFunction[] {
  const found: PlainFunction[] = [];
  for (const whole of children(script)) {
    const node = whole.name === "DecoratedStatement" ? child(whole, "FunctionDefinition") : whole;
    if (node?.name !== "FunctionDefinition") continue;
    const at = child(node, "VariableName");
    const body = child(node, "Body");
    if (at !== null && body !== null) found.push({ name: textOf(at, text), whole, node, at, body });
  }
  return found;
}

function isReactor(whole: SyntaxNode, text: string): boolean {
  return [...children(whole)].some(
    (one) => one.name === "Decorator" && /(?:^|\.)ReactorFunc$/.test(textOf(one, text).replace(/^@|\s|#.*$/g, "")),
  );
}

function namedIn(body: SyntaxNode, text: string): Named {
  const receives = new Set<string>();
  const sends = new Set<string>();
  const calls = new Set<string>();
  const visit = (node: SyntaxNode): void => {
    if (node.name === "CallExpression") {
      const called = calledName(node, text);
      const into = called?.name === "receive" ? receives : called?.name === "send" ? sends : null;
      if (called?.object === "") calls.add(called.name);
      else if (into !== null) {
        const name = ingredient(node, text);
        if (name !== null) into.add(name);
      }
    }
    for (const inner of children(node)) visit(inner);
  };
  visit(body);
  return { receives: [...receives], sends: [...sends], calls: [...calls] };
}

function ingredient(call: SyntaxNode, text: string): string | null {
  const list = child(call, "ArgList");
  const given = list === null ? [] : callArguments(list);
  const first =
    given.find((one) => one.name === null) ??
    given.find((one) => one.name !== null && textOf(one.name, text) === "name");
  return first === undefined ? null : pattern(first.value, text);
}

function pattern(node: SyntaxNode, text: string): string {
  if (node.name !== "String" && node.name !== "FormatString") return "*";
  let spelled = "";
  let from = node.from;
  for (const part of children(node)) {
    if (part.name !== "FormatReplacement") continue;
    spelled += `${text.slice(from, part.from)}*`;
    from = part.to;
  }
  spelled += text.slice(from, node.to);
  return /^[a-zA-Z]*("""|'''|"|')([^]*)\1$/.exec(spelled)?.[2] ?? "*";
}

/** What a function names together with those of the file that it calls. */
function reached(name: string, named: ReadonlyMap<string, Named>): Named {
  const seen = new Set([name]);
  for (const one of seen) for (const called of named.get(one)?.calls ?? []) if (named.has(called)) seen.add(called);
  const all = (part: (one: Named) => readonly string[]): readonly string[] => [
    ...new Set([...seen].flatMap((one) => part(named.get(one) ?? { receives: [], sends: [], calls: [] }))),
  ];
  return { receives: all((one) => one.receives), sends: all((one) => one.sends), calls: [] };
}

/** The reactors that may send what one receives, without what it sends itself. */
function senders(name: string, together: ReadonlyMap<string, Named>): readonly string[] {
  const own = together.get(name);
  const wanted = (own?.receives ?? []).filter((one) => !own?.sends.includes(one));
  return [...together]
    .filter(([other, { sends }]) => other !== name && wanted.some((one) => sends.some((sent) => mayBe(one, sent))))
    .map(([other]) => other);
}

/** What a reactor receives that no reactor of the file sends. */
function unsent(name: string, together: ReadonlyMap<string, Named>): readonly string[] {
  const sent = new Set([...together.values()].flatMap(({ sends }) => sends));
  return (together.get(name)?.receives ?? []).filter((one) => !one.includes("*") && !sent.has(one));
}

/** Whether two names, each with `*` for anything, may be the same. */
export function mayBe(one: string, other: string): boolean {
  return one === other || matches(one, other) || matches(other, one);
}

function matches(name: string, wild: string): boolean {
  if (!wild.includes("*")) return false;
  const parts = wild.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("[^]*")}$`).test(name);
}
