import type { SyntaxNode } from "@lezer/common";

import type { Declared, Project } from "./project.js";
import { topLevel } from "./declarations.js";
import type { StageDeclaration } from "./resolve.js";
import type { Source } from "./source.js";
import { callArguments, calledName, child, children, nameOf, type Stretch } from "./syntax.js";

/** A place where a stage is named: its own, or where another names it. */
export interface Mention {
  readonly path: string;
  readonly at: Stretch;
}

/** The stage that is named at an offset of a file, from either end: its definition, a parameter, its use, a bind. */
export function stageAt(
  project: Project,
  path: string,
  offset: number,
): { readonly target: Declared; readonly at: Stretch } | null {
  const source = project.source(path);
  if (source === null) return null;
  for (const found of localMentions(project, path, source)) {
    if (found.at.from <= offset && offset <= found.at.to) return found;
  }
  return null;
}

/** Every mention of a stage, in its own file and in those that import from it, directly. */
export function mentionsOf(project: Project, target: Declared): readonly Mention[] {
  const paths = [target.path, ...project.importers(target.path)];
  return paths.flatMap((path) => {
    const source = project.source(path);
    if (source === null) return [];
    return localMentions(project, path, source).flatMap(({ target: found, at }) => {
      const same = found.path === target.path && found.stage.at.from === target.stage.at.from;
      // under an alias the file goes on to call it by its own name
      return same && nameOf(at, source.text) === target.stage.name ? [{ path, at }] : [];
    });
  });
}

/** Why a stage cannot be called so, in a sentence; null where it can. */
export function whyNotName(project: Project, target: Declared, name: string): string | null {
  if (!/^[\p{L}_][\p{L}\p{N}_]*$/u.test(name)) return `"${name}" is not a name that Python allows.`;
  if (target.stage.language !== "function")
    return `"${target.stage.name}" is a ${target.stage.language}, named elsewhere too: rename it where it is written, and what names it.`;
  if (KEYWORDS.has(name)) return `"${name}" is a word of Python's own.`;
  const taken = project
    .resolved(target.path)
    .stages.some((stage) => stage.name === name && stage.name !== target.stage.name);
  if (taken) return `Another stage of this file is named "${name}".`;
  for (const path of [target.path, ...project.importers(target.path)]) {
    const user = project
      .resolved(path)
      .stages.find(
        (stage) =>
          stage.dependencies.some((one) => one.stage === target.stage.name) &&
          stage.parameters.some((one) => one.name === name),
      );
    if (user !== undefined) return `"${user.name}" has a parameter "${name}" already.`;
  }
  if (name === target.stage.name) return null;
  const touched = new Set(mentionsOf(project, target).map(({ path }) => path));
  for (const path of touched) {
    const source = project.source(path);
    if (source !== null && calls(source, path, target) && boundIn(source).has(name.normalize("NFKC")))
      return `"${name}" stands for something else in ${path} already.`;
  }
  return null;
}

/** Whether a file calls a stage by its own name, rather than importing it under another. */
function calls({ imports }: Source, path: string, { path: own, stage }: Declared): boolean {
  return path === own || imports.some(({ local, name }) => local === stage.name || name === "*");
}

/** The names that a file's own statements bind, functions and classes apart from what is in them. */
function boundIn({ tree, text, imports }: Source): ReadonlySet<string> {
  const found = new Set(imports.map(({ local }) => local.split(".")[0] ?? local));
  for (const statement of topLevel(tree.topNode)) {
    const whole = child(statement, "FunctionDefinition") ?? child(statement, "ClassDefinition") ?? statement;
    const name = DEFINITIONS.has(whole.name) ? child(whole, "VariableName") : null;
    if (name !== null) found.add(nameOf(name, text));
  }
  for (const name of assignedIn(tree.topNode)) found.add(nameOf(name, text));
  return found;
}

const DEFINITIONS = new Set(["FunctionDefinition", "ClassDefinition"]);

const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda " +
    "nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

interface LocalMention {
  readonly target: Declared;
  readonly at: Stretch;
}

/** What names stand for stages, at some place of a file. */
type Bindings = ReadonlyMap<string, Declared>;

/** All places of a file that name a stage. */
function localMentions(project: Project, path: string, source: Source): readonly LocalMention[] {
  return new MentionReader(project, path, source).read();
}

class MentionReader {
  readonly #project: Project;
  readonly #path: string;
  readonly #source: Source;
  readonly #functions: ReadonlyMap<number, StageDeclaration>;
  readonly #found: LocalMention[] = [];

  constructor(project: Project, path: string, source: Source) {
    this.#project = project;
    this.#path = path;
    this.#source = source;
    const { stages } = project.resolved(path);
    this.#functions = new Map(
      stages.filter((stage) => stage.base === null && !stage.guessed).map((stage) => [stage.at.from, stage]),
    );
  }

  read(): readonly LocalMention[] {
    const names = new Map<string, Declared>();
    for (const stage of this.#project.resolved(this.#path).stages) {
      if (stage.guessed || names.has(stage.name)) continue;
      names.set(stage.name, { path: this.#path, stage });
      this.#found.push({ target: { path: this.#path, stage }, at: stage.at });
    }
    for (const one of this.#source.imports) {
      const target = one.name === "" || one.name === "*" ? null : this.#project.declared(this.#path, one.local);
      if (target === null || target.path === this.#path) continue;
      names.set(one.local, target);
      this.#mention(target, one.at);
      const alias = aliasOf(this.#source, one.at);
      if (alias !== null) this.#mention(target, alias);
    }
    this.#walk(this.#source.tree.topNode, names);
    const seen = new Set<number>();
    return this.#found.filter(({ at }) => !seen.has(at.from) && seen.add(at.from));
  }

  #mention(target: Declared, { from, to }: Stretch): void {
    this.#found.push({ target, at: { from, to } });
  }

  #text(node: Stretch): string {
    return nameOf(node, this.#source.text);
  }

  #walk(node: SyntaxNode, names: Bindings): void {
    if (node.name === "ImportStatement") return;
    if (node.name === "FunctionDefinition") {
      this.#function(node, names);
      return;
    }
    if (node.name === "CallExpression") {
      this.#boundRoles(node);
      this.#received(node);
    }
    const keyword = node.nextSibling?.name === "AssignOp" && node.parent?.name === "ArgList";
    const target = node.name === "VariableName" && !keyword ? names.get(this.#text(node)) : undefined;
    if (target !== undefined) this.#mention(target, node);
    for (const inner of children(node)) this.#walk(inner, names);
  }

  /** Within a function, parameters and variables hide stages of their name, but for a stage's dependencies. */
  #function(node: SyntaxNode, outer: Bindings): void {
    const name = child(node, "VariableName");
    const stage = name === null ? undefined : this.#functions.get(name.from);
    const inner = new Map(outer);
    const body = child(node, "Body");
    if (body !== null) for (const local of assignedIn(body)) inner.delete(this.#text(local));
    for (const part of children(child(node, "ParamList") ?? node)) {
      if (part.parent?.name !== "ParamList") break;
      if (part.name === "VariableName" && part.prevSibling?.name !== "AssignOp") this.#parameter(part, stage, inner);
      else this.#walk(part, outer);
    }
    for (const part of children(node)) {
      if (part.name === "TypeDef") this.#walk(part, outer);
      else if (part.name === "Body") this.#walk(part, inner);
    }
  }

  #parameter(part: SyntaxNode, stage: StageDeclaration | undefined, names: Map<string, Declared>): void {
    const dependency = stage?.dependencies.find((one) => one.role === this.#text(part));
    const target = dependency === undefined ? null : this.#project.declared(this.#path, dependency.stage);
    if (target === null) {
      names.delete(this.#text(part));
      return;
    }
    names.set(this.#text(part), target);
    this.#mention(target, part);
  }

  /** What `pipe.receive("anneal")` names where a reactor is seen to depend on a stage of another language by that. */
  #received(call: SyntaxNode): void {
    const list = child(call, "ArgList");
    const called = list === null ? null : calledName(call, this.#source.text);
    const given = list === null || called?.name !== "receive" ? null : child(list, "String");
    const spelled = given === null ? null : /^(["'])(\w+)\1$/.exec(this.#source.text.slice(given.from, given.to));
    const role = spelled?.[2];
    if (given === null || role === undefined) return;
    const received = this.#project
      .resolved(this.#path)
      .stages.filter((stage) => stage.language === "reactor")
      .flatMap((stage) => stage.dependencies.filter((one) => one.role === role && one.stage !== stage.name));
    for (const { stage } of received) {
      const target = this.#project.declared(this.#path, stage);
      if (target !== null && target.stage.language !== "reactor")
        this.#mention(target, { from: given.from + 1, to: given.to - 1 });
    }
  }

  /** In `two.bind(one=quick)` the role `one` names the stage that the function takes where nothing is bound. */
  #boundRoles(call: SyntaxNode): void {
    const called = calledName(call, this.#source.text);
    const list = child(call, "ArgList");
    const base = called?.name === "bind" && list !== null ? this.#project.declared(this.#path, called.object) : null;
    if (base === null || list === null) return;
    const root = this.#project
      .resolved(base.path)
      .stages.find((stage) => stage.base === null && stage.name === base.stage.function);
    for (const { name } of callArguments(list)) {
      const role =
        name === null ? undefined : (root ?? base.stage).dependencies.find((one) => one.role === this.#text(name));
      const target = role === undefined ? null : this.#project.declared(base.path, role.stage);
      if (name !== null && target !== null) this.#mention(target, name);
    }
  }
}

function aliasOf(source: Source, at: Stretch): Stretch | null {
  const node = source.tree.resolveInner(at.from, 1);
  return node.nextSibling?.name === "as" ? node.nextSibling.nextSibling : null;
}

/** The names that a function's body makes its own by assigning to them. */
function* assignedIn(node: SyntaxNode): Generator<SyntaxNode> {
  for (const part of children(node)) {
    if (part.name === "FunctionDefinition" || part.name === "LambdaExpression" || part.name === "ClassDefinition")
      continue;
    const assigns =
      node.name === "AssignStatement" || node.name === "NamedExpression" || node.name === "UpdateStatement";
    const after = part.nextSibling?.name;
    if (part.name === "VariableName") {
      const operator = after === "AssignOp" || after === "TypeDef" || after === "," || after === "UpdateOp";
      if (
        (assigns && operator) ||
        (node.name === "ForStatement" && part.prevSibling?.name === "for") ||
        part.prevSibling?.name === "as"
      )
        yield part;
    }
    yield* assignedIn(part);
  }
}
