import type { Answer } from "../kernels/answer.js";
import type { EngineEvent, EngineMethod, ParamsOf, ResultOf } from "../kernels/methods.js";
import type { EngineState } from "../kernels/state.js";
import type { Event } from "../lifetime.js";

/** What the pipeline model needs of the engine. The kernel's host is one; a test may be another. */
export interface Kernel {
  readonly state: EngineState;
  readonly onDidChangeState: Event<EngineState>;
  readonly onDidTell: Event<EngineEvent>;

  /** Asks the engine, starting it where it is off. A failure is a value; aborting cancels. */
  request<M extends EngineMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<Answer<ResultOf<M>>>;
}
