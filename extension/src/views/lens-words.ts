import { explainState } from "../pipelines/describe.js";
import type { Pipeline } from "../pipelines/model.js";
import type { Stage } from "../pipelines/pipeline.js";
import { countStates, describeFailure, describeState, mostPressing } from "../protocol/words/states.js";

/** A lens before VS Code has it: what it says over which line, and what a click does. */
export interface LensWords {
  readonly line: number;
  readonly title: string;
  readonly tooltip: string;
  readonly command: string;
  readonly argument: { readonly path: string; readonly stage?: string; readonly stages?: readonly string[] };
}

/** As many stages of one definition get lenses of their own; more are told in one. */
const FEW = 3;

const CANCEL = "Stop the run; stages that have finished stay cached";

/** The lenses over a file's stages; `now` is in seconds since the epoch. */
export function lensWords(pipeline: Pipeline, trusted: boolean, now: number, profile = ""): readonly LensWords[] {
  const lines = new Map<number, Stage[]>();
  for (const stage of pipeline.stages) {
    if (stage.declaration === null) continue;
    const { line } = stage.view;
    lines.set(line, [...(lines.get(line) ?? []), stage]);
  }
  return [...lines].flatMap(([line, stages]) => {
    if (!trusted) return [lens(pipeline, line, "not run: workspace not trusted", "", "")];
    const lenses =
      stages.length > FEW
        ? together(pipeline, line, stages, now)
        : stages.flatMap((stage) => single(pipeline, stage, stages.length > 1, now));
    const shown = lens(pipeline, line, `profile ${profile}`, "stageloom.chooseProfile", "Choose another profile");
    return profile === "" ? lenses : [...lenses, shown];
  });
}

function lens(
  { path }: Pipeline,
  line: number,
  title: string,
  command: string,
  tooltip: string,
  about: Omit<LensWords["argument"], "path"> = {},
): LensWords {
  return { line, title, command, tooltip, argument: { path, ...about } };
}

function single(pipeline: Pipeline, stage: Stage, several: boolean, now: number): readonly LensWords[] {
  const { name, line, state } = stage.view;
  const about = { stage: name };
  const make = (title: string, command: string, tooltip: string): LensWords =>
    lens(pipeline, line, title, command, tooltip, about);
  const actions = isLive(stage)
    ? [make("Cancel", "stageloom.cancel", CANCEL)]
    : [
        make("Realize", "stageloom.realize", `Make "${name}", reusing what is cached`),
        make("Invalidate", "stageloom.invalidate", `Forget what "${name}" made, so that it runs again; can be undone`),
      ];
  const title = `${several ? `${name}: ` : ""}${stateTitle(pipeline, stage, now)}`;
  return [...actions, make(title, "stageloom.showState", explainState(state) || "Tell more")];
}

/** What `each` makes many of: one lens for all; the panel and the tree show each. */
function together(pipeline: Pipeline, line: number, stages: readonly Stage[], now: number): readonly LensWords[] {
  const names = stages.map(({ view }) => view.name);
  const states = stages.map(({ view }) => view.state);
  const action = stages.some(isLive)
    ? lens(pipeline, line, "Cancel", "stageloom.cancel", CANCEL)
    : lens(
        pipeline,
        line,
        "Realize all",
        "stageloom.realizeStages",
        `Make all ${names.length}, reusing what is cached`,
        {
          stages: names,
        },
      );
  const pressing = mostPressing(states);
  const first = stages.find(({ view }) => view.state === pressing) ?? stages[0];
  const count = `${names.length} instances`;
  const told =
    pressing?.is === "unknown" && first !== undefined ? stateTitle(pipeline, first, now) : countStates(states);
  const tooltip = "Show them in the panel";
  const about = first === undefined ? {} : { stage: first.view.name };
  return [action, lens(pipeline, line, `${count}: ${told}`, "stageloom.openPanel", tooltip, about)];
}

function isLive({ view }: Stage): boolean {
  return view.state.is === "running" || view.state.is === "waiting";
}

function stateTitle(pipeline: Pipeline, { view }: Stage, now: number): string {
  const unknown = view.state.is === "unknown" && pipeline.failure !== null;
  const text = unknown ? describeFailure(pipeline.failure) : describeState(view, now);
  return view.guessed ? `${text} · guessed from the source` : text;
}
