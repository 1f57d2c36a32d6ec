import type { FromPanel, ToPanel } from "../contract.js";

/** The way to the host: intents out, messages in, and a place for what is the panel's own. */
export interface Channel {
  send(intent: FromPanel): void;
  listen(react: (message: ToPanel) => void): void;
  load(): unknown;
  save(state: unknown): void;
}

/** What VS Code gives a webview, once. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

const known: Record<ToPanel["is"], true> = {
  snapshot: true,
  stages: true,
  outputs: true,
  log: true,
  points: true,
  focus: true,
};

/** A message of a kind that this panel does not know (an older panel, a newer host) is dropped. */
const isMessage = (data: unknown): data is ToPanel =>
  typeof data === "object" &&
  data !== null &&
  "is" in data &&
  typeof data.is === "string" &&
  Object.hasOwn(known, data.is);

export const makeChannel = (api: VsCodeApi, window: Window): Channel => ({
  send(intent) {
    api.postMessage(intent);
  },
  listen(react) {
    window.addEventListener("message", (event: MessageEvent<unknown>) => {
      if (isMessage(event.data)) react(event.data);
    });
  },
  load() {
    return api.getState();
  },
  save(state) {
    api.setState(state);
  },
});
