import type { Plan } from "../protocol/kernel/messages.gen.js";
import type { Became } from "./sources.js";

/** Whether what became of a file may make a difference to a pipeline; where no plan tells what it is made of, any may. */
export function concerns(plan: Plan | null, { path, gone, fresh }: Became): boolean {
  if (plan === null || gone || path === plan.path || path === "stageloom.json" || plan.files.includes(path))
    return true;
  // a file that nothing imports comes to be imported by another's change, or by its coming
  if (path.endsWith(".py") && fresh) return true;
  return plan.stages.some(
    (stage) =>
      stage.parameters.some(({ source }) => source === "input") || stage.reads.some((name) => tells(name, path)),
  );
}

/** Whether a change of a file is one of what a stage was seen to read: that file, or what is in a folder. */
function tells(name: string, path: string): boolean {
  const folder = path.slice(0, path.lastIndexOf("/") + 1);
  return name === path || (name.endsWith("/") && name === (folder === "" ? "./" : folder));
}
