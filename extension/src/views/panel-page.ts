import { randomBytes } from "node:crypto";

import * as vscode from "vscode";

/** The folder that a panel's page may load from. */
export function panelFolder(extension: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(extension, "dist", "webview");
}

/** A panel's page: its own scripts and styles alone, and nothing from elsewhere. */
export function panelPage(webview: vscode.Webview, extension: vscode.Uri, title: string): string {
  const nonce = randomBytes(18).toString("base64");
  const file = (name: string): string =>
    webview.asWebviewUri(vscode.Uri.joinPath(panelFolder(extension), name)).toString();
  // the controls try a style of their own: they find the nonce for it in the page's csp-nonce
  const policy = [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src ${webview.cspSource} 'nonce-${nonce}'`,
    `font-src ${webview.cspSource}`,
    `img-src ${webview.cspSource} data: blob:`,
    // the layout's worker is fetched and started from a blob
    `connect-src ${webview.cspSource}`,
    "worker-src blob:",
    // these two do not fall back to the default
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta property="csp-nonce" content="${nonce}" />
    <title>${escape(title)}</title>
    <link rel="stylesheet" href="${file("codicon.css")}" />
    <link rel="stylesheet" href="${file("panel.css")}" />
  </head>
  <body data-layout="${file("layout.js")}">
    <script type="module" nonce="${nonce}" src="${file("panel.js")}"></script>
  </body>
</html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
