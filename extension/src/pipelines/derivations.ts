import type { SyntaxNode } from "@lezer/common";

import type { ImportedName, WrittenStage } from "./declarations.js";
import { calledName, child, children, docstring, hasError, nameOf, textOf } from "./syntax.js";

/** A decorator that makes a stage of a function, whose arguments are its configuration. */
const STAGE_OF_FUNCTION = /^(?:@[^\n]*\n\s*)*@(?:\w+\.)*autostage[2_]?\b/;

const MODULES = ["stageloom.derivations", "stageloom.pylightnix"];

/** Whether a file writes its stages as derivations. */
export function writesDerivations(imports: readonly ImportedName[]): boolean {
  return imports.some(
    (one) =>
      MODULES.some((module) => one.module === module || one.module.startsWith(`${module}.`)) ||
      (one.module === "stageloom" && MODULES.includes(`stageloom.${one.name}`)),
  );
}

interface StageFunction {
  readonly name: string;
  readonly node: SyntaxNode;
  readonly at: SyntaxNode;
  readonly body: SyntaxNode;
  makes: boolean;
}

/**
 * A guess at the derivations of a file: the functions that call `mkdrv`, at any depth, those that return what another
 * made (`stage_all`), and what is passed from one to another. Only running the file can tell; the planner's word replaces this.
 */
export function guessDerivations(script: SyntaxNode, text: string): readonly WrittenStage[] {
  const functions = collectFunctions(script, text);
  const makers = functions.filter((one) => one.makes);
  const names = new Map(makers.map((one) => [one.name, derivationName(one, text)]));
  const flow = new Flow(text, names, new Set(functions.filter((one) => !one.makes).map((one) => one.name)));
  const needs = flow.follow(script);
  return functions
    .filter((one) => one.makes || flow.passesOn(one.name))
    .map((one) => ({
      is: "derivation",
      name: names.get(one.name) ?? one.name,
      function: one.name,
      at: { from: one.at.from, to: one.at.to },
      whole: { from: one.node.from, to: one.node.to },
      damaged: hasError(one.node),
      dependencies: [...(needs.get(one.name) ?? [])].map((name) => names.get(name) ?? name),
      wants: [...new Set([...(one.makes ? configured(one, text) : []), ...flow.given(one.name)])],
      sends: [],
      computed: one.makes && COMPUTED.test(textOf(one.body, text)),
      doc: docstring(one.body, text),
    }));
}

/** A configuration whose name is anything but a plain text. */
const COMPUTED = /["']name["']\s*:(?!\s*["'][\w.+-]+["'])/;

/** The names from outside the function that its configuration has: function stages, it may be. */
function configured(stage: StageFunction, text: string): readonly string[] {
  const own = new Set<string>();
  const found = new Set<string>();
  const list = child(stage.at.parent ?? stage.node, "ParamList");
  if (list !== null) for (const part of children(list)) if (part.name === "VariableName") own.add(nameOf(part, text));
  const gather = (node: SyntaxNode): void => {
    if (node.name === "VariableName") found.add(nameOf(node, text));
    for (const inner of children(node)) gather(inner);
  };
  const visit = (node: SyntaxNode): void => {
    if (node.name === "AssignStatement" && node.firstChild?.name === "VariableName")
      own.add(nameOf(node.firstChild, text));
    const list = node.name === "CallExpression" ? child(node, "ArgList") : null;
    const called = list === null ? null : calledName(node, text);
    if (list !== null && (called?.name === "mkconfig" || (called?.name === "stage" && called.object !== "")))
      gather(list);
    for (const inner of children(node)) visit(inner);
  };
  visit(stage.body);
  return [...found].filter((name) => !own.has(name));
}

function collectFunctions(script: SyntaxNode, text: string): StageFunction[] {
  const found: StageFunction[] = [];
  const visit = (node: SyntaxNode, within: StageFunction | null): void => {
    let owner = within;
    if (node.name === "FunctionDefinition") {
      const at = child(node, "VariableName");
      const body = child(node, "Body");
      if (at !== null && body !== null) {
        const whole = node.parent?.name === "DecoratedStatement" ? node.parent : node;
        owner = { name: textOf(at, text), node: whole, at, body, makes: STAGE_OF_FUNCTION.test(textOf(whole, text)) };
        found.push(owner);
      }
    } else if (node.name === "CallExpression" && owner !== null && calledName(node, text)?.name === "mkdrv")
      owner.makes = true;
    for (const inner of children(node)) visit(inner, owner);
  };
  visit(script, null);
  return found;
}

/** The name its configuration gives a derivation, where that is written out; else the function's. */
function derivationName(stage: StageFunction, text: string): string {
  const whole = textOf(stage.node, text);
  const configuration = STAGE_OF_FUNCTION.test(whole) ? whole : textOf(stage.body, text);
  const named = /(?:["']name["']\s*:|\bname\s*=)\s*["']([\w.+-]+)["']/.exec(configuration);
  return named?.[1] ?? stage.name;
}

/** The stage function that `redefine(stage, …)(m, …)` calls. */
function redefined(call: SyntaxNode, text: string): string | undefined {
  const callee = call.firstChild;
  if (callee?.name !== "CallExpression" || calledName(callee, text)?.name !== "redefine") return undefined;
  const list = child(callee, "ArgList");
  const stage = list === null ? null : child(list, "VariableName");
  return stage === null ? undefined : textOf(stage, text);
}

type Variables = ReadonlyMap<string, ReadonlySet<string>>;

/** Follows straight-line code: `a = stage_one(m)` and then `stage_two(m, a)` says that the second needs the first. */
class Flow {
  readonly #text: string;
  readonly #stages: ReadonlyMap<string, string>;
  readonly #others: ReadonlySet<string>;
  readonly #needs = new Map<string, Set<string>>();
  readonly #given = new Map<string, Set<string>>();

  constructor(text: string, stages: ReadonlyMap<string, string>, others: ReadonlySet<string>) {
    this.#text = text;
    this.#stages = stages;
    this.#others = others;
  }

  /** Whether a function that makes no derivation itself returns one. */
  passesOn(name: string): boolean {
    return !this.#stages.has(name) && this.#needs.has(name);
  }

  /** The names in `m.stage(…)` that a stage function is given. */
  given(name: string): readonly string[] {
    return [...(this.#given.get(name) ?? [])];
  }

  follow(script: SyntaxNode): ReadonlyMap<string, ReadonlySet<string>> {
    this.#block(script, new Map(), null, null);
    return this.#needs;
  }

  #need(who: string | null, what: Iterable<string>): void {
    if (who === null) return;
    const known = this.#needs.get(who) ?? new Set();
    for (const one of what) if (one !== who) known.add(one);
    this.#needs.set(who, known);
  }

  #block(block: SyntaxNode, outer: Variables, owner: string | null, composer: string | null): void {
    const variables = new Map(outer);
    const visit = (node: SyntaxNode): void => {
      if (node.name === "FunctionDefinition") {
        const name = child(node, "VariableName");
        const body = child(node, "Body");
        // a helper within a stage function makes what that one makes
        const stage = name === null ? "" : textOf(name, this.#text);
        const makes = this.#stages.has(stage);
        const composes = owner === null && !makes && this.#others.has(stage);
        if (body !== null) this.#block(body, variables, makes ? stage : owner, composes ? stage : null);
      } else if (node.name === "ReturnStatement" && composer !== null) {
        const value = new Set([...children(node)].flatMap((part) => [...this.#value(part, variables)]));
        if (value.size > 0) this.#need(composer, value);
      } else if (
        node.name === "AssignStatement" &&
        node.firstChild?.name === "VariableName" &&
        node.lastChild !== null
      ) {
        const value = this.#value(node.lastChild, variables);
        this.#need(owner, value);
        variables.set(textOf(node.firstChild, this.#text), value);
      } else if (node.name === "CallExpression" || node.name === "VariableName")
        this.#need(owner, this.#value(node, variables));
      else for (const inner of children(node)) visit(inner);
    };
    for (const inner of children(block)) visit(inner);
  }

  /** The stage functions whose results an expression holds. */
  #value(node: SyntaxNode, variables: Variables): ReadonlySet<string> {
    if (node.name === "VariableName") return variables.get(textOf(node, this.#text)) ?? new Set();
    const inner = new Set<string>();
    for (const part of children(node)) for (const one of this.#value(part, variables)) inner.add(one);
    if (node.name !== "CallExpression") return inner;
    const name = redefined(node, this.#text) ?? calledName(node, this.#text)?.name;
    if (name === undefined || !this.#stages.has(name)) return inner;
    this.#need(name, inner);
    const list = child(node, "ArgList");
    for (const argument of list === null ? [] : children(list)) this.#give(name, argument);
    return new Set([name]);
  }

  /** Notes what `m.stage(params)`, as an argument, gives to a stage function. */
  #give(name: string, argument: SyntaxNode): void {
    const called = argument.name === "CallExpression" ? calledName(argument, this.#text) : null;
    const list = called?.name === "stage" && called.object !== "" ? child(argument, "ArgList") : null;
    const stage = list === null ? null : child(list, "VariableName");
    if (stage === null) return;
    this.#given.set(name, (this.#given.get(name) ?? new Set<string>()).add(nameOf(stage, this.#text)));
  }
}
