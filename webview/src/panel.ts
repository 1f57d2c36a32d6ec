import "./styles/panel.css";
import { defineCharts } from "./cells/chart-view.js";
import { Clock } from "./clock.js";
import { defineControls } from "./kit.js";
import { Layouter } from "./layout/layouter.js";
import { PanelRoom } from "./room.js";
import { makeChannel, type VsCodeApi } from "./state/channel.js";
import { Store } from "./state/store.js";
import { UiState } from "./state/ui.js";
import { isBusy } from "./text/states.js";
import { Theme } from "./theme.js";

// VS Code puts this function into every webview's page
declare const acquireVsCodeApi: () => VsCodeApi;

const start = (): void => {
  defineControls();
  defineCharts();
  const channel = makeChannel(acquireVsCodeApi(), window);
  const store = new Store((flush) => requestAnimationFrame(flush));
  const clock = new Clock();
  store.watch(
    (view) => isBusy(view.run),
    (busy) => {
      clock.setBusy(busy);
    },
  );
  const room = new PanelRoom();
  room.desk = {
    store,
    clock,
    ui: new UiState(channel),
    theme: new Theme(document.body),
    send: (intent) => {
      channel.send(intent);
    },
  };
  room.layouter = new Layouter(document.body.dataset["layout"]);
  document.body.append(room);
  channel.listen((message) => {
    store.receive(message);
  });
  channel.send({ is: "ready" });
};

start();
