/** What to say of a workspace with several folders, of which the first alone has an engine and a store. */
export function foldersNote([first, ...others]: readonly string[]): string {
  if (first === undefined || others.length === 0) return "";
  const names = others.map((name) => `“${name}”`).join(", ");
  const open = others.length === 1 ? "Open it" : "Open each";
  return `Pipelines of “${first}” alone: the first folder of a window has the engine and the store. Those of ${names} do not show here. ${open} in a window of its own.`;
}
