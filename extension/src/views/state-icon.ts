import * as vscode from "vscode";

import type { StageState } from "../protocol/panels/messages.js";

const ICONS: Readonly<Record<StageState["is"], readonly [icon: string, color: string | null]>> = {
  unknown: ["circle-small", "disabledForeground"],
  broken: ["error", "list.errorForeground"],
  cached: ["pass-filled", "testing.iconPassed"],
  stale: ["history", "list.warningForeground"],
  absent: ["circle-large-outline", null],
  waiting: ["clock", "disabledForeground"],
  running: ["loading~spin", "progressBar.background"],
  failed: ["error", "testing.iconFailed"],
  cancelled: ["circle-slash", "disabledForeground"],
  skipped: ["debug-step-over", "disabledForeground"],
};

/** The picture of a state, in the theme's colours. */
export function stateIcon(state: StageState): vscode.ThemeIcon {
  const [icon, color] = ICONS[state.is];
  return color === null ? new vscode.ThemeIcon(icon) : new vscode.ThemeIcon(icon, new vscode.ThemeColor(color));
}
