/** Names for the parts of the contract with the host that it does not name itself. */
import type {
  FromPanel,
  OutputsView,
  PipelineView,
  StageState,
  StageView,
} from "../../extension/src/protocol/panels/messages.js";

export type {
  FromPanel,
  OutputsView,
  PipelineView,
  RunView,
  StageState,
  StageView,
  ToPanel,
} from "../../extension/src/protocol/panels/messages.js";

export type FilePreview = OutputsView["previews"][number];
export type Preview = NonNullable<FilePreview["preview"]>;
export type Point = OutputsView["points"][number];
export type Problem = PipelineView["problems"][number];
export type Parameter = StageView["parameters"][number];
export type Failure = Extract<StageState, { is: "failed" }>["failure"];
export type Frame = NonNullable<Failure["frames"]>[number];
export type Reason = Extract<StageState, { is: "stale" }>["reasons"][number];
export type Realization = Extract<StageState, { is: "cached" }>["realization"];
export type Send = (intent: FromPanel) => void;
