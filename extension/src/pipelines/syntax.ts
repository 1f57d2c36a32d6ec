import type { SyntaxNode } from "@lezer/common";

/** A stretch of text, from an offset up to, not with, another. Offsets count UTF-16 units, as VS Code does. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A place in a file, both counted from 0. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** The lines of a text, so that offsets can be told as lines and columns. */
export class Lines {
  readonly #text: string;
  readonly #starts: readonly number[];

  constructor(text: string) {
    this.#text = text;
    const starts = [0];
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.#starts = starts;
  }

  place(offset: number): Place {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low, column: offset - (this.#starts[low] ?? 0) };
  }

  /** The text of a line, without its end; empty where there is no such line. */
  text(line: number): string {
    const from = this.#starts[line];
    return from === undefined ? "" : this.#text.slice(from, this.#starts[line + 1]).trimEnd();
  }

  offset(place: Place): number {
    return (this.#starts[Math.min(place.line, this.#starts.length - 1)] ?? 0) + place.column;
  }
}

export function* children(node: SyntaxNode): Generator<SyntaxNode> {
  for (let child = node.firstChild; child !== null; child = child.nextSibling) yield child;
}

export function child(node: SyntaxNode, name: string): SyntaxNode | null {
  for (const found of children(node)) if (found.name === name) return found;
  return null;
}

export function textOf(node: Stretch, text: string): string {
  return text.slice(node.from, node.to);
}

/** A name as Python knows it: it reads `µ` and `μ`, or `é` in one sign or two, as the same. */
export function nameOf(node: Stretch, text: string): string {
  return textOf(node, text).normalize("NFKC");
}

/** The dotted name that an expression spells (`a.b.c`), or null where it is anything else. */
export function dottedName(node: SyntaxNode, text: string): string | null {
  if (node.name === "VariableName") return nameOf(node, text);
  if (node.name !== "MemberExpression") return null;
  const object = node.firstChild;
  const property = node.lastChild;
  if (object === null || property?.name !== "PropertyName") return null;
  const left = dottedName(object, text);
  return left === null ? null : `${left}.${nameOf(property, text)}`;
}

/** One argument of a call; `name` is null for one given by position. */
export interface Argument {
  readonly name: SyntaxNode | null;
  readonly value: SyntaxNode;
}

const PUNCTUATION = new Set(["(", ")", ",", "*", "**", "Comment", "⚠"]);

/** The arguments of an `ArgList`, in order; starred ones are left out. */
export function callArguments(list: SyntaxNode): readonly Argument[] {
  const found: Argument[] = [];
  let name: SyntaxNode | null = null;
  let starred = false;
  for (let node = list.firstChild; node !== null; node = node.nextSibling) {
    if (node.name === "*" || node.name === "**") starred = true;
    else if (node.name === "," || node.name === "(") starred = false;
    if (PUNCTUATION.has(node.name) || node.name === "AssignOp") continue;
    if (node.nextSibling?.name === "AssignOp") {
      name = node;
      continue;
    }
    if (!starred) found.push({ name, value: node });
    name = null;
  }
  return found;
}

/** The name that an expression calls, its last part apart: `a.b(…)` is `["a", "b"]`, `f(…)` is `["", "f"]`. */
export function calledName(call: SyntaxNode, text: string): { object: string; name: string } | null {
  const name = call.firstChild === null ? null : dottedName(call.firstChild, text);
  if (name === null) return null;
  const dot = name.lastIndexOf(".");
  return { object: dot < 0 ? "" : name.slice(0, dot), name: name.slice(dot + 1) };
}

/** The docstring of a function's body, laid out as Python's `inspect.cleandoc` does; empty where there is none. */
export function docstring(body: SyntaxNode, text: string): string {
  for (const node of children(body)) {
    if (node.name === ":" || node.name === "Comment") continue;
    const literal = node.name === "ExpressionStatement" ? node.firstChild : null;
    if (literal?.name !== "String") return "";
    const match = /^[uUrR]?("""|'''|"|')([^]*)\1$/.exec(textOf(literal, text));
    return match === null ? "" : cleanDoc(match[2] ?? "");
  }
  return "";
}

function cleanDoc(raw: string): string {
  const lines = raw.replace(/\r\n?/g, "\n").replace(/\t/g, "        ").split("\n");
  const rest = lines.slice(1).filter((line) => line.trim() !== "");
  const margin = Math.min(...rest.map((line) => line.length - line.trimStart().length));
  const laid = [
    lines[0]?.trimStart() ?? "",
    ...lines.slice(1).map((line) => (rest.length > 0 ? line.slice(margin) : line)),
  ];
  while (laid.length > 0 && laid[laid.length - 1]?.trim() === "") laid.pop();
  while (laid.length > 0 && laid[0]?.trim() === "") laid.shift();
  return laid.join("\n");
}

/** Whether the parser had to guess anywhere within `node`. */
export function hasError(node: SyntaxNode): boolean {
  let found = false;
  node.cursor().iterate((inner) => {
    if (inner.type.isError) found = true;
    return !found;
  });
  return found;
}
