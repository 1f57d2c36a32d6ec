import type { SyntaxNode } from "@lezer/common";

import { KnownStages } from "./known-stages.js";
import {
  callArguments,
  calledName,
  child,
  children,
  docstring,
  dottedName,
  hasError,
  nameOf,
  textOf,
  type Stretch,
} from "./syntax.js";

/** A parameter as it is written; `text` is its default's source, null where it has none. */
export interface WrittenParameter {
  readonly name: string;
  readonly at: Stretch;
  readonly text: string | null;
  readonly out: boolean;
}

/** An argument of `bind`; `refers` is the name that stands for its value, if it is nothing but a name. */
export interface BoundArgument {
  readonly name: string;
  readonly at: Stretch;
  readonly text: string;
  readonly refers: string | null;
  readonly value: Stretch;
}

interface Written {
  readonly name: string;
  readonly at: Stretch;
  readonly whole: Stretch;
  readonly damaged: boolean;
}

/** A stage that a decorated function is. */
export interface FunctionStage extends Written {
  readonly is: "function";
  readonly parameters: readonly WrittenParameter[];
  readonly doc: string;
  /** Whether `each=` gives values to parameters that have no default. */
  readonly each: boolean;
}

/** What a file says about one stage, before anything is known of the others. */
export type WrittenStage =
  | FunctionStage
  | (Written & {
      readonly is: "instance";
      readonly base: string;
      readonly baseAt: Stretch;
      readonly bound: readonly BoundArgument[];
    })
  | GuessedStage<"derivation">
  | GuessedStage<"reactor">;

/**
 * A stage of which only running the file tells what it depends on: stages of its own language in `dependencies`, and
 * names in `wants` that those of others may have. `sends` are ingredients, with `*` for what only running tells;
 * `computed` says that its name is none that the source spells out.
 */
interface GuessedStage<Language extends "derivation" | "reactor"> extends Written {
  readonly is: Language;
  readonly function: string;
  readonly dependencies: readonly string[];
  readonly wants: readonly string[];
  readonly sends: readonly string[];
  readonly computed: boolean;
  readonly doc: string;
}

/** A name that a file imports: `from .steps import one as two` is `{local: "two", module: "steps", level: 1, name: "one"}`. */
export interface ImportedName {
  readonly local: string;
  readonly module: string;
  readonly level: number;
  readonly name: string;
  readonly at: Stretch;
}

/** All names that a file's imports bring in. A whole module has an empty `name`; a star import the name `*`. */
export function readImports(script: SyntaxNode, text: string): readonly ImportedName[] {
  const found: ImportedName[] = [];
  for (const statement of topLevel(script)) {
    if (statement.name !== "ImportStatement") continue;
    if (statement.firstChild?.name === "from") found.push(...fromImport(statement, text));
    else found.push(...plainImport(statement, text));
  }
  return found;
}

function fromImport(statement: SyntaxNode, text: string): ImportedName[] {
  const found: ImportedName[] = [];
  let module = "";
  let level = 0;
  let importing = false;
  for (let node = statement.firstChild; node !== null; node = node.nextSibling) {
    if (node.name === "import") importing = true;
    else if (!importing && (node.name === "." || node.name === "...")) {
      if (module === "") level += node.to - node.from;
    } else if (!importing && node.name === "VariableName") module += `${module === "" ? "" : "."}${textOf(node, text)}`;
    else if (importing && node.name === "*") found.push({ local: "*", module, level, name: "*", at: node });
    else if (importing && node.name === "VariableName") {
      const alias = node.nextSibling?.name === "as" ? node.nextSibling.nextSibling : null;
      found.push({
        local: nameOf(alias ?? node, text),
        module,
        level,
        name: nameOf(node, text),
        at: node,
      });
      if (alias !== null) node = alias;
    }
  }
  return found;
}

function plainImport(statement: SyntaxNode, text: string): ImportedName[] {
  const found: ImportedName[] = [];
  let parts: SyntaxNode[] = [];
  let alias: SyntaxNode | null = null;
  const finish = (): void => {
    const [first] = parts;
    if (first === undefined) return;
    const module = parts.map((part) => textOf(part, text)).join(".");
    found.push({ local: alias === null ? module : textOf(alias, text), module, level: 0, name: "", at: first });
  };
  for (const node of children(statement)) {
    if (node.name === ",") {
      finish();
      parts = [];
      alias = null;
    } else if (node.name === "VariableName") {
      if (node.prevSibling?.name === "as") alias = node;
      else parts.push(node);
    }
  }
  finish();
  return found;
}

const BLOCKS = new Set([
  "IfStatement",
  "TryStatement",
  "WithStatement",
  "ForStatement",
  "WhileStatement",
  "MatchStatement",
  "MatchClause",
]);
const BODIES = new Set(["Body", "MatchBody"]);

/** The statements that run when the file is imported: those of the module, and of all blocks but functions and classes. */
export function* topLevel(block: SyntaxNode): Generator<SyntaxNode> {
  for (const node of children(block)) {
    if (BLOCKS.has(node.name)) {
      for (const body of children(node)) if (BODIES.has(body.name)) yield* topLevel(body);
    } else if (node.name === "StatementGroup") yield* topLevel(node);
    else yield node;
  }
}

/** The spellings of `name`, something that the package `stageloom` offers, under a file's imports. */
export function spellings(imports: readonly ImportedName[], name: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const one of imports) {
    if (one.level !== 0) continue;
    const ours = one.module === "stageloom" || one.module.startsWith("stageloom.");
    if (!ours) continue;
    if (one.name === name) found.add(one.local);
    else if (one.name === "*") found.add(name);
    else if (one.name === "" && one.local !== one.module) found.add(`${one.local}.${name}`);
    else if (one.name === "") found.add(`stageloom.${name}`);
  }
  return found;
}

/** The function stages of a file and their instances, in its order. */
export function readFunctions(
  script: SyntaxNode,
  imports: readonly ImportedName[],
  text: string,
  stages = new KnownStages(),
): readonly WrittenStage[] {
  const decorators = spellings(imports, "stage");
  const outs = spellings(imports, "Out");
  stages.begin([...decorators, "", ...outs].join("\n"));
  const found: WrittenStage[] = [];
  const known = new Set(imports.filter((one) => one.name !== "" && one.name !== "*").map((one) => one.local));
  for (const statement of topLevel(script)) {
    const stage =
      statement.name === "DecoratedStatement"
        ? stages.of(statement, text, () => functionStage(statement, decorators, outs, text))
        : statement.name === "AssignStatement"
          ? instance(statement, known, text)
          : null;
    if (stage === null) continue;
    found.push(stage);
    known.add(stage.name);
  }
  return found;
}

function functionStage(
  statement: SyntaxNode,
  decorators: ReadonlySet<string>,
  outs: ReadonlySet<string>,
  text: string,
): FunctionStage | null {
  const decorator = [...children(statement)].find(
    (node) => node.name === "Decorator" && decorators.has(decoratorName(node, text)),
  );
  const options = decorator === undefined ? null : child(decorator, "ArgList");
  const definition = decorator !== undefined ? child(statement, "FunctionDefinition") : null;
  const name = definition === null ? null : child(definition, "VariableName");
  if (definition === null || name === null) return null;
  const list = child(definition, "ParamList");
  const body = child(definition, "Body");
  return {
    is: "function",
    name: nameOf(name, text),
    at: { from: name.from, to: name.to },
    whole: { from: statement.from, to: statement.to },
    damaged: hasError(definition),
    parameters: list === null ? [] : readParameters(list, outs, text),
    doc: body === null ? "" : docstring(body, text),
    each: options !== null && callArguments(options).some(({ name }) => name !== null && textOf(name, text) === "each"),
  };
}

function decoratorName(decorator: SyntaxNode, text: string): string {
  const parts: string[] = [];
  for (const node of children(decorator)) {
    if (node.name === "VariableName" || node.name === "PropertyName") parts.push(textOf(node, text));
    else if (node.name !== "At" && node.name !== ".") break;
  }
  return parts.join(".");
}

/** The parameters of a `ParamList`; `*args`, `**kwargs` and the bare markers are left out. */
export function readParameters(list: SyntaxNode, outs: ReadonlySet<string>, text: string): readonly WrittenParameter[] {
  const found: WrittenParameter[] = [];
  let name: SyntaxNode | null = null;
  let annotation = "";
  let value: SyntaxNode | null = null;
  let starred = false;
  const finish = (): void => {
    if (name !== null && !starred)
      found.push({
        name: nameOf(name, text),
        at: { from: name.from, to: name.to },
        text: value === null ? null : textOf(value, text),
        out: outs.has(annotation),
      });
    name = null;
    value = null;
    annotation = "";
    starred = false;
  };
  for (const node of children(list)) {
    if (node.name === ",") finish();
    else if (node.name === "*" || node.name === "**") starred = true;
    else if (node.name === "TypeDef") annotation = annotationName(node, text);
    else if (node.name === "AssignOp") value = node.nextSibling;
    else if (node.name === "VariableName" && node.prevSibling?.name !== "AssignOp") name = node;
  }
  finish();
  return found;
}

function annotationName(definition: SyntaxNode, text: string): string {
  return textOf(definition, text)
    .replace(/^:\s*/, "")
    .replace(/^(["'])(.*)\1$/, "$2")
    .trim();
}

/** The target and the value of an assignment that has one of each. */
function assigned(statement: SyntaxNode): readonly [SyntaxNode, SyntaxNode] | null {
  const parts = [...children(statement)].filter(({ name }) => name !== "TypeDef" && name !== "Comment");
  const [target, operator, value] = parts;
  if (parts.length !== 3 || target === undefined || value === undefined || operator?.name !== "AssignOp") return null;
  return [unwrapped(target), value];
}

/** An expression without the parentheses around it. */
function unwrapped(node: SyntaxNode): SyntaxNode {
  if (node.name !== "ParenthesizedExpression") return node;
  for (const inner of children(node)) if (!PARENTHESES.has(inner.name)) return unwrapped(inner);
  return node;
}

const PARENTHESES = new Set(["(", ")", "Comment"]);

function instance(statement: SyntaxNode, known: ReadonlySet<string>, text: string): WrittenStage | null {
  const [target, value] = assigned(statement) ?? [null, null];
  const call = value === null ? null : unwrapped(value);
  if (target?.name !== "VariableName" || call?.name !== "CallExpression") return null;
  const called = calledName(call, text);
  const list = child(call, "ArgList");
  if (called?.name !== "bind" || list === null || !known.has(called.object)) return null;
  const from = call.firstChild?.from ?? call.from;
  return {
    is: "instance",
    name: nameOf(target, text),
    at: { from: target.from, to: target.to },
    whole: { from: statement.from, to: statement.to },
    damaged: hasError(statement),
    base: called.object,
    baseAt: { from, to: from + called.object.length },
    bound: callArguments(list).flatMap(({ name, value }) =>
      name === null
        ? []
        : [
            {
              name: nameOf(name, text),
              at: { from: name.from, to: name.to },
              text: textOf(value, text),
              refers: dottedName(value, text),
              value: { from: value.from, to: value.to },
            },
          ],
    ),
  };
}
