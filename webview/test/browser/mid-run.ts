import { midRun, midRunOutputs } from "./data.js";
import type { Panel, PanelHost } from "./host.js";
import { themes, type PageTheme } from "./themes.js";

/** A panel in the middle of a run, with stages in all states and outputs of all kinds. */
export const openMidRun = async (
  host: PanelHost,
  theme: PageTheme = themes.dark,
  size?: { width: number; height: number },
  motion?: "reduce" | "no-preference",
): Promise<Panel> => {
  const panel = await host.open(theme, size, motion);
  const outputs = midRunOutputs(await panel.plot());
  await panel.post({
    is: "snapshot",
    pipeline: midRun(),
    outputs: [outputs["train"]!, outputs["evaluate"]!],
    focus: null,
  });
  await panel.laidOut();
  for (const output of Object.values(outputs))
    if (output.rref !== null) await panel.post({ is: "outputs", outputs: output });
  return panel;
};
