import type { Readable, Writable } from "node:stream";
import {
  CancellationTokenSource,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
  type CancellationToken,
  type MessageConnection,
} from "vscode-jsonrpc/node";
import type { Disposable } from "../lifetime.js";
import type { Logger } from "../logger.js";
import type { Methods } from "../protocol/kernel/messages.gen.js";
import type { MessageValidator, MethodName } from "../protocol/kernel/validate.js";
import { done, failed, failure, type Answer } from "./answer.js";
import { failureOfError } from "./failure-of-error.js";

type ParamsOf<M extends MethodName> = Methods[M]["params"];
type ResultOf<M extends MethodName> = Methods[M]["result"];

/** An answer, or *lost*: the connection ended before it came, and what was asked may or may not have been done. */
export type Reply<T> = Answer<T> | { readonly is: "lost" };

type Serve = (params: unknown, signal: AbortSignal) => Promise<unknown>;
type Hear = (params: unknown) => void;

/**
 * A typed JSON-RPC connection over two streams.
 *
 * What comes in is checked against the protocol; what is wrong is logged with its name and dropped.
 */
export class Connection implements Disposable {
  /** Settles when the other end has closed, or this one was disposed. */
  readonly closed: Promise<void>;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #validator: MessageValidator;
  readonly #connection: MessageConnection;
  readonly #serving = new Map<string, Serve>();
  readonly #hearing = new Map<string, Hear>();
  readonly #ended = new AbortController();

  constructor(name: string, from: Readable, to: Writable, validator: MessageValidator, logger: Logger) {
    this.#name = name;
    this.#logger = logger;
    this.#validator = validator;
    const connection = createMessageConnection(new StreamMessageReader(from), new StreamMessageWriter(to));
    this.#connection = connection;
    this.closed = new Promise((resolve) => {
      this.#ended.signal.addEventListener("abort", () => {
        resolve();
      });
    });
    connection.onClose(() => {
      this.dispose();
    });
    connection.onError(([error]) => {
      if (!this.#over()) logger.warn(`${name}: ${error.message}`);
    });
    connection.onRequest((method, params, token) => this.#serve(method, params, token));
    connection.onNotification((method, params) => {
      this.#hear(method, params);
    });
  }

  /** Answers `method`. Its signal is aborted when the other end cancels, and when the connection ends. */
  serve<M extends MethodName>(
    method: M,
    handler: (params: ParamsOf<M>, signal: AbortSignal) => Promise<ResultOf<M>>,
  ): void {
    this.#serving.set(method, async (params, signal) => {
      const checked = this.#validator.params(method, params);
      if (checked.is === "invalid") {
        this.#logger.error(`${this.#name}: a bad request was refused: ${checked.problem}`);
        return new ResponseError(ErrorCodes.InvalidParams, checked.problem);
      }
      return handler(checked.message, signal);
    });
  }

  hear<M extends MethodName>(method: M, handler: (params: ParamsOf<M>) => void): void {
    this.#hearing.set(method, (params) => {
      const checked = this.#validator.params(method, params);
      if (checked.is === "valid") handler(checked.message);
      else this.#logger.error(`${this.#name}: a bad message was dropped: ${checked.problem}`);
    });
  }

  listen(): void {
    this.#connection.listen();
  }

  /** Asks. Aborting asks the other end to stop; the answer still comes from there. */
  async request<M extends MethodName>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<Reply<ResultOf<M>>> {
    if (this.#over()) return { is: "lost" };
    const source = new CancellationTokenSource();
    const cancel = (): void => {
      source.cancel();
    };
    signal?.addEventListener("abort", cancel);
    try {
      const asked = this.#connection.sendRequest<unknown>(method, params, source.token);
      if (signal?.aborted === true) cancel();
      const checked = this.#validator.result(method, await asked);
      if (checked.is === "valid") return done(checked.message);
      this.#logger.error(`${this.#name}: a bad answer was dropped: ${checked.problem}`);
      return failed(
        failure("internal", `The ${this.#name} answered ${method} with something else than was agreed.`, {
          detail: checked.problem,
          advice: "This is a fault of Stageloom: please report it with the log.",
        }),
      );
    } catch (error) {
      return this.#over() || isLoss(error) ? { is: "lost" } : failed(failureOfError(method, error));
    } finally {
      signal?.removeEventListener("abort", cancel);
      source.dispose();
    }
  }

  /** Tells; nothing happens where the connection has ended. */
  notify<M extends MethodName>(method: M, params: ParamsOf<M>): void {
    if (this.#over()) return;
    this.#connection.sendNotification(method, params).catch((error: unknown) => {
      if (!this.#over()) this.#logger.warn(`${this.#name}: ${method} was not sent: ${String(error)}`);
    });
  }

  /** Ends it: what waits for an answer is lost, what is being answered is aborted. */
  dispose(): void {
    if (this.#over()) return;
    this.#ended.abort();
    this.#connection.end();
    this.#connection.dispose();
  }

  #over(): boolean {
    return this.#ended.signal.aborted;
  }

  async #serve(method: string, params: unknown, token: CancellationToken): Promise<unknown> {
    const serve = this.#serving.get(method);
    if (serve === undefined) {
      this.#logger.error(`${this.#name}: asked for ${method}, which is not served here`);
      return new ResponseError(ErrorCodes.MethodNotFound, `there is no method ${method}`);
    }
    const cancelled = new AbortController();
    const listening = token.onCancellationRequested(() => {
      cancelled.abort();
    });
    // a request that was cancelled while it stood in the queue bears a token that never fires
    if (token.isCancellationRequested) cancelled.abort();
    try {
      return await serve(params, AbortSignal.any([cancelled.signal, this.#ended.signal]));
    } catch (error) {
      this.#logger.error(
        `${this.#name}: ${method} failed: ${error instanceof Error ? (error.stack ?? "") : String(error)}`,
      );
      return new ResponseError(ErrorCodes.InternalError, `${method} failed: ${String(error)}`);
    } finally {
      listening.dispose();
    }
  }

  #hear(method: string, params: unknown): void {
    const hear = this.#hearing.get(method);
    if (hear !== undefined) hear(params);
    else if (!method.startsWith("$/")) this.#logger.error(`${this.#name}: ${method} was dropped: nobody hears it here`);
  }
}

// the pipe was gone before its end was noticed
function isLoss(error: unknown): boolean {
  if (!(error instanceof ResponseError)) return false;
  const { code } = error;
  return code === ErrorCodes.MessageWriteError || code === ErrorCodes.PendingResponseRejected;
}
