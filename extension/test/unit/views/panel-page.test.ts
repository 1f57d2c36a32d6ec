import { expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { panelPage } from "../../../src/views/panel-page.js";

vi.mock("vscode", () => ({ Uri: { joinPath: (...parts: readonly string[]) => parts.join("/") } }));

it("a panel's page takes nothing from elsewhere, and sends nothing there", () => {
  const webview = { cspSource: "https://here", asWebviewUri: (uri: unknown) => uri };
  // safe: of a webview the page needs these two, of a folder that it can be joined
  const page = panelPage(webview as unknown as vscode.Webview, "folder" as unknown as vscode.Uri, "<a>");
  const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.split("; ") ?? [];
  expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "base-uri 'none'", "form-action 'none'"]));
  const nonce = /'nonce-([^']+)'/.exec(page)?.[1];
  expect(policy).toContain(`script-src 'nonce-${nonce ?? ""}'`);
  expect(page).toContain(`nonce="${nonce ?? ""}" src="folder/dist/webview/panel.js"`);
  expect(page).toContain("<title>&#60;a&#62;</title>");
});
