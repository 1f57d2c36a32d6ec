import { parser } from "@lezer/python";
import { highlightCode, styleTags, tagHighlighter, tags } from "@lezer/highlight";

/** A stretch of source of one kind; `kind` is the class that colours it, empty for plain text. */
export interface Token {
  readonly text: string;
  readonly kind: string;
}

const highlighter = tagHighlighter([
  {
    tag: [tags.keyword, tags.operatorKeyword, tags.definitionKeyword, tags.moduleKeyword, tags.self],
    class: "tok-keyword",
  },
  { tag: [tags.controlKeyword], class: "tok-control" },
  { tag: [tags.string, tags.special(tags.string), tags.docString], class: "tok-string" },
  { tag: [tags.number], class: "tok-number" },
  { tag: [tags.bool, tags.null], class: "tok-constant" },
  { tag: [tags.comment, tags.lineComment], class: "tok-comment" },
  {
    tag: [
      tags.function(tags.variableName),
      tags.function(tags.definition(tags.variableName)),
      tags.function(tags.propertyName),
    ],
    class: "tok-function",
  },
  { tag: [tags.className, tags.definition(tags.className), tags.typeName], class: "tok-type" },
  { tag: [tags.meta, tags.annotation], class: "tok-decorator" },
]);

const python = parser.configure({
  props: [styleTags({ "Decorator/VariableName Decorator/MemberExpression/...": tags.annotation })],
});

/** The lines of a piece of Python, in coloured stretches. A syntax error colours less, and loses nothing. */
export const pythonLines = (source: string): Token[][] => {
  const lines: Token[][] = [[]];
  highlightCode(
    source,
    python.parse(source),
    highlighter,
    (text, kind) => lines.at(-1)?.push({ text, kind }),
    () => lines.push([]),
  );
  return lines;
};
