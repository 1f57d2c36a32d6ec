/** The controls. This module alone knows which kit they come from and how its tags are called. */
import {
  provideVSCodeDesignSystem,
  vsCodeButton,
  vsCodeProgressRing,
  vsCodeTextField,
} from "@vscode/webview-ui-toolkit";
import { html, nothing, type TemplateResult } from "lit";

/** Makes the controls known to the page; once, before the first is drawn. */
export const defineControls = (): void => {
  provideVSCodeDesignSystem().register(vsCodeButton(), vsCodeProgressRing(), vsCodeTextField());
};

export const icon = (name: string): TemplateResult =>
  html`<span class="codicon codicon-${name}" aria-hidden="true"></span>`;

/** A control that does something. An `icon` button shows its icon alone; its label is read and shown on hover. */
export interface ButtonOptions {
  readonly label: string;
  readonly kind: "primary" | "secondary" | "icon";
  readonly press: () => void;
  readonly icon?: string;
  readonly title?: string;
  readonly disabled?: boolean;
  readonly name?: string;
}

export const button = (options: ButtonOptions): TemplateResult => {
  const { label, kind, press, icon: glyph, title = label, disabled = false, name } = options;
  const onClick = (event: Event): void => {
    event.stopPropagation();
    press();
  };
  // the label comes before the appearance: the kit gives an icon button without one a name of its own
  return html`<vscode-button
    aria-label=${kind === "icon" ? label : nothing}
    appearance=${kind}
    title=${title}
    data-action=${name ?? nothing}
    ?disabled=${disabled}
    @click=${onClick}
    >${
      kind === "icon"
        ? icon(glyph ?? "circle")
        : html`${glyph === undefined ? nothing : html`<span slot="start" class="codicon codicon-${glyph}" aria-hidden="true"></span>`}${label}`
    }</vscode-button
  >`;
};

export const progressRing = (label: string): TemplateResult =>
  html`<vscode-progress-ring role="progressbar" aria-label=${label}></vscode-progress-ring>`;

export const searchField = (label: string, value: string, change: (text: string) => void): TemplateResult => {
  const onInput = (event: Event): void => {
    // the kit's text field has its text in `value`, as an input has
    change((event.target as HTMLInputElement).value);
  };
  return html`<vscode-text-field
    class="search"
    aria-label=${label}
    placeholder=${label}
    .value=${value}
    @input=${onInput}
    >${html`<span slot="start" class="codicon codicon-search" aria-hidden="true"></span>`}</vscode-text-field
  >`;
};
