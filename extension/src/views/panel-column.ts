/**
 * Where a new panel goes: a group's column, beside the editor in use in a group of its own, or where the user is.
 * `active` is the column of that editor, `groups` are all groups' columns, `panels` those that open panels are in.
 */
export function panelColumn<Column extends number>(
  active: Column | undefined,
  groups: readonly Column[],
  panels: readonly Column[],
): Column | "beside" | "active" {
  if (active === undefined) return "active";
  const others = groups.filter((column) => column !== active);
  // panels stay together; else the next group, else the one before: a third column leaves none of them room
  const taken = others.filter((column) => panels.includes(column));
  return taken.at(-1) ?? others.find((column) => column > active) ?? others.at(-1) ?? "beside";
}
