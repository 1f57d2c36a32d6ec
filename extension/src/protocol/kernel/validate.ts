import { Ajv, type ErrorObject, type ValidateFunction } from "ajv";
import type { Methods } from "./messages.gen.js";
import schema from "./schema.gen.json" with { type: "json" };

export type MethodName = keyof Methods;
export type ParamsOf<M extends MethodName> = Methods[M]["params"];
export type ResultOf<M extends MethodName> = Methods[M]["result"];

/** A message as it came: of its type, or wrong, with the path to what is wrong. */
export type Checked<T> =
  { readonly is: "valid"; readonly message: T } | { readonly is: "invalid"; readonly problem: string };

const wordOf = (error: ErrorObject): string => {
  if (error.keyword === "enum") return `expected one of ${JSON.stringify(error.params["allowedValues"])}`;
  if (error.keyword === "additionalProperties") {
    return `unexpected field ${JSON.stringify(error.params["additionalProperty"])}`;
  }
  return error.message ?? error.keyword;
};

/** `/stages/3/name` as `stages[3].name`. */
const pathOf = (pointer: string): string =>
  pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join("")
    .replace(/^\./, "");

const describe = (errors: readonly ErrorObject[] | null | undefined): string => {
  // of a union's alternatives, the one that went deepest is the one that was meant
  const [first, ...others] = errors ?? [];
  if (first === undefined) return "is not of its type";
  const deepest = others.reduce(
    (best, error) => (error.instancePath.length > best.instancePath.length ? error : best),
    first,
  );
  const where = pathOf(deepest.instancePath);
  return where === "" ? wordOf(deepest) : `${where}: ${wordOf(deepest)}`;
};

/** Checks what kernels send against the schema that is generated from their types. Compiles each method on first use. */
export class MessageValidator {
  readonly #ajv = new Ajv({ discriminator: true, strict: false, allowUnionTypes: true });
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor() {
    this.#ajv.addSchema(schema, "kernel");
  }

  /** The parameters of a request or notification that came in. */
  params<M extends MethodName>(method: M, params: unknown): Checked<ParamsOf<M>> {
    return this.#check(method, "params", params);
  }

  /** The answer to a request that went out. */
  result<M extends MethodName>(method: M, result: unknown): Checked<ResultOf<M>> {
    return this.#check(method, "result", result);
  }

  #check<T>(method: MethodName, part: "params" | "result", message: unknown): Checked<T> {
    const validate = this.#compile(method, part);
    if (!validate(message)) return { is: "invalid", problem: `${method}: ${describe(validate.errors)}` };
    // safe: the schema and the type are generated from one definition
    return { is: "valid", message: message as T };
  }

  #compile(method: MethodName, part: "params" | "result"): ValidateFunction {
    const key = `${method} ${part}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const pointer = `${method.replaceAll("/", "~1")}/${part}`;
    const made = this.#ajv.compile({ $ref: `kernel#/methods/${pointer}` });
    this.#compiled.set(key, made);
    return made;
  }
}
