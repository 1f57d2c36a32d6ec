import type {
  Artifacts,
  ArtifactsParams,
  Empty,
  ExportParams,
  FileParams,
  FilePreview,
  InvalidateParams,
  Invalidated,
  Located,
  LogMessage,
  Outputs,
  OutputsParams,
  Plan,
  PlanParams,
  RunChanged,
  RunLog,
  RunParams,
  RunProgress,
  RunRef,
  RunStarted,
  StoreChanged,
  Undone,
  UndoParams,
  Why,
  WhyParams,
} from "../protocol/kernel/messages.gen.js";

/** What the rest of the host may ask the engine: method, parameters, result. */
export interface EngineRequests {
  readonly "pipeline/plan": readonly [PlanParams, Plan];
  readonly "pipeline/why": readonly [WhyParams, Why];
  readonly "run/start": readonly [RunParams, RunStarted];
  readonly "run/cancel": readonly [RunRef, Empty];
  readonly "stage/invalidate": readonly [InvalidateParams, Invalidated];
  readonly "stage/undo": readonly [UndoParams, Undone];
  readonly "store/artifacts": readonly [ArtifactsParams, Artifacts];
  readonly "store/preview": readonly [FileParams, FilePreview];
  readonly "store/outputs": readonly [OutputsParams, Outputs];
  readonly "store/locate": readonly [FileParams, Located];
  readonly "store/export": readonly [ExportParams, Located];
}

export type EngineMethod = keyof EngineRequests;
export type ParamsOf<M extends EngineMethod> = EngineRequests[M][0];
export type ResultOf<M extends EngineMethod> = EngineRequests[M][1];

/** What the engine tells unasked, tagged by the method it came by. */
export type EngineEvent =
  | { readonly is: "run/changed"; readonly params: RunChanged }
  | { readonly is: "run/log"; readonly params: RunLog }
  | { readonly is: "run/progress"; readonly params: RunProgress }
  | { readonly is: "store/changed"; readonly params: StoreChanged }
  | { readonly is: "log/message"; readonly params: LogMessage };
