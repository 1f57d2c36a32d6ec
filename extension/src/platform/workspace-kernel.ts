import { failed, failure, type Answer } from "../kernels/answer.js";
import type { KernelHost } from "../kernels/host.js";
import type { EngineEvent, EngineMethod, ParamsOf, ResultOf } from "../kernels/methods.js";
import type { EngineState } from "../kernels/state.js";
import { Emitter, Lifetime, type Disposable } from "../lifetime.js";
import type { Kernel } from "../pipelines/kernel.js";
import type { Trust } from "../pipelines/model.js";

/** Makes a host of kernels under the settings of now. */
export type MakeHost = () => Promise<KernelHost>;

/** How long a missing interpreter is taken to be missing still, in milliseconds, unless the user asks for a run. */
const AGAIN = 5000;

/** The workspace's kernels: made when first asked, made anew when settings change, never where there is no trust. */
export class WorkspaceKernel implements Kernel, Disposable {
  readonly #make: MakeHost;
  readonly #trust: Trust;
  readonly #lifetime = new Lifetime();
  readonly #states = this.#lifetime.add(new Emitter<EngineState>());
  readonly #events = this.#lifetime.add(new Emitter<EngineEvent>());
  readonly onDidChangeState = this.#states.event;
  readonly onDidTell = this.#events.event;
  #host: Promise<KernelHost> | null = null;
  /** A host begins when the one before has ended: what that one says last is not the new one's state. */
  #ended: Promise<void> = Promise.resolve();
  #state: EngineState = { is: "off" };
  #lackedAt = 0;

  constructor(make: MakeHost, trust: Trust) {
    this.#make = make;
    this.#trust = trust;
    this.#lifetime.defer(() => this.#end());
  }

  get state(): EngineState {
    return this.#state;
  }

  async request<M extends EngineMethod>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<Answer<ResultOf<M>>> {
    if (!this.#trust.trusted) return failed(failure("cancelled", "Nothing runs before you trust this workspace."));
    if (this.#lifetime.ended) return failed(failure("cancelled", "Cancelled: the window is closing."));
    if (this.#lacksPython() && (method === "run/start" || Date.now() - this.#lackedAt > AGAIN)) await this.restart();
    const host = await this.#begin();
    return host.request(method, params, signal);
  }

  /** Ends all kernels and starts anew, under the settings and on the interpreter of now. */
  async restart(): Promise<EngineState> {
    if (!this.#trust.trusted) return this.#state;
    await this.#end();
    if (this.#lifetime.ended) return this.#state;
    const host = await this.#begin();
    return host.start();
  }

  /** Restarts what runs or has failed; what was never started finds its settings when it starts. */
  async settingsChanged(): Promise<void> {
    if (this.#host !== null) await this.restart();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #begin(): Promise<KernelHost> {
    this.#host ??= this.#build(this.#ended);
    return this.#host;
  }

  async #build(before: Promise<void>): Promise<KernelHost> {
    await before;
    const host = await this.#make();
    host.onDidTell((event) => {
      this.#events.fire(event);
    });
    host.onDidChangeState((state) => {
      this.#become(state);
    });
    return host;
  }

  #end(): Promise<void> {
    const host = this.#host;
    this.#host = null;
    if (host === null) return this.#ended;
    const ended = this.#endOf(host);
    this.#ended = ended.catch(() => undefined);
    return ended;
  }

  async #endOf(making: Promise<KernelHost>): Promise<void> {
    const host = await making.catch(() => null);
    await host?.dispose();
    this.#become({ is: "off" });
  }

  /** Whether there was no interpreter that would do: one may have been installed since, which no event tells of. */
  #lacksPython(): boolean {
    if (this.#state.is !== "failed") return false;
    const { kind } = this.#state.failure;
    return kind === "no-interpreter" || kind === "old-interpreter";
  }

  #become(state: EngineState): void {
    this.#state = state;
    if (this.#lacksPython()) this.#lackedAt = Date.now();
    this.#states.fire(state);
  }
}
