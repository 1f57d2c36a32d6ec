import { expect, it } from "vitest";

import { panelColumn } from "../../../src/views/panel-column.js";

it.each<[string, number | undefined, number[], number[], ReturnType<typeof panelColumn>]>([
  ["the only editor gets a panel beside it", 1, [1], [], "beside"],
  ["a second panel goes where the first is", 1, [1, 2], [2], 2],
  ["also when the editor is on the right", 2, [1, 2], [1], 1],
  ["a group beside is taken before a third is made", 1, [1, 2], [], 2],
  ["also the one before", 2, [1, 2], [], 1],
  ["of three groups the one with panels", 1, [1, 2, 3], [3], 3],
  ["a panel behind the editor in use does not draw another there", 1, [1], [1], "beside"],
  ["without an editor in use it opens where the user is", undefined, [1, 2], [2], "active"],
])("%s", (_, active, groups, panels, column) => {
  expect(panelColumn(active, groups, panels)).toBe(column);
});
