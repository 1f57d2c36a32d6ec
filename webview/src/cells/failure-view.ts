import { html, nothing, type TemplateResult } from "lit";
import type { Failure, Frame, Send } from "../contract.js";
import { button, icon } from "../kit.js";
import { placesIn } from "../text/links.js";

const fileName = (path: string): string => path.split(/[\\/]/).at(-1) ?? path;

const frameRow = (frame: Frame, send: Send): TemplateResult =>
  html`<li class=${frame.user ? "user" : "library"}>
    <button
      type="button"
      class="link"
      title=${frame.path}
      @click=${() => {
        send({ is: "open-frame", path: frame.path, line: frame.line });
      }}
    >
      ${fileName(frame.path)}:${frame.line + 1}
    </button>
    <span class="frame-function">${frame.function}</span>
    <code class="frame-text">${frame.text}</code>
  </li>`;

/** Text in which each place that a traceback names can be clicked. */
export const linked = (text: string, send: Send): readonly (TemplateResult | string)[] => {
  const parts: (TemplateResult | string)[] = [];
  let at = 0;
  for (const { start, end, path, line } of placesIn(text)) {
    const open = (): void => {
      send({ is: "open-frame", path, line });
    };
    // as a property: white space between tags would be shown here
    parts.push(
      text.slice(at, start),
      html`<button type="button" class="link" .textContent=${text.slice(start, end)} @click=${open}></button>`,
    );
    at = end;
  }
  return [...parts, text.slice(at)];
};

const frames = (failure: Failure, send: Send): TemplateResult | typeof nothing => {
  const inner = failure.frames.toReversed();
  const own = inner.filter((frame) => frame.user);
  const others = inner.filter((frame) => !frame.user);
  if (inner.length === 0) return nothing;
  return html`${
    own.length === 0
      ? nothing
      : html`<ul class="frames" aria-label="Where in your code">
          ${own.map((frame) => frameRow(frame, send))}
        </ul>`
  }
  ${
    others.length === 0
      ? nothing
      : html`<details class="quiet-details" ?open=${own.length === 0}>
          <summary>${others.length} more in libraries</summary>
          <ul class="frames">
            ${others.map((frame) => frameRow(frame, send))}
          </ul>
        </details>`
  }`;
};

/** What went wrong, what to do about it, and where: the user's own lines first, the innermost on top. */
export const failureView = (failure: Failure, send: Send, of: string): TemplateResult =>
  html`<section class="failure" aria-label="Failure of ${of}">
    <p class="failure-message">
      ${icon("error")}<span
        >${
          failure.exception === "" || failure.message.startsWith(failure.exception)
            ? nothing
            : html`<strong>${failure.exception}</strong> `
        }${failure.message}</span
      >
    </p>
    ${failure.advice === "" ? nothing : html`<p class="advice">${failure.advice}</p>`}
    ${
      failure.command === ""
        ? nothing
        : html`<div class="install">
            <code>${failure.command}</code>
            ${button({
              kind: "secondary",
              label: "Copy",
              icon: "copy",
              title: `Copy the command that installs ${failure.package === "" ? "what is missing" : failure.package}`,
              name: "copy-install",
              press: () => {
                send({ is: "copy", text: failure.command });
              },
            })}
          </div>`
    }
    ${frames(failure, send)}
    ${
      failure.detail === ""
        ? nothing
        : html`<details class="quiet-details">
            <summary>Whole report</summary>
            <pre class="detail" tabindex="0">${linked(failure.detail, send)}</pre>
          </details>`
    }
  </section>`;
