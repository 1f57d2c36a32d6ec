import { html, nothing, svg, type TemplateResult } from "lit";
import type { FilePreview, Preview, Send } from "../contract.js";
import { button } from "../kit.js";
import { plural, shortNumber, size } from "../../../extension/src/protocol/words/figures.js";
import { failureView } from "./failure-view.js";
import { tableView } from "./table-view.js";

type Of<Is extends Preview["is"]> = Extract<Preview, { is: Is }>;

const pictures = /^image\/(png|jpeg|gif|webp|svg\+xml|bmp)$/;

/** Always as an image's source, so that nothing within an SVG can run or load. */
const imageView = (preview: Of<"image">, label: string): TemplateResult =>
  pictures.test(preview.media)
    ? html`<img
        class="picture ${preview.media === "image/svg+xml" ? "paper" : ""}"
        alt=${label}
        src="data:${preview.media};base64,${preview.data}"
      />`
    : html`<p class="empty">Pictures of the type ${preview.media} cannot be shown here.</p>`;

const WIDTH = 600;
const HEIGHT = 72;

/** The array as a line; gaps where values are not finite. */
const sparkline = (values: readonly (number | null)[], label: string): TemplateResult => {
  const finite = values.filter((value) => value !== null);
  const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  const x = (index: number): string => ((index / Math.max(1, values.length - 1)) * WIDTH).toFixed(1);
  const y = (value: number): string =>
    (high === low ? HEIGHT / 2 : HEIGHT - 3 - ((value - low) / (high - low)) * (HEIGHT - 6)).toFixed(1);
  let pen = "M";
  let path = "";
  values.forEach((value, index) => {
    if (value === null) pen = "M";
    else {
      path += `${pen}${x(index)} ${y(value)}`;
      pen = "L";
    }
  });
  return html`<svg
    class="sparkline"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="Course of ${label}, from ${shortNumber(low)} to ${shortNumber(high)}"
  >
    ${svg`<path d=${path} />`}
  </svg>`;
};

const fact = (name: string, value: string): TemplateResult =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

const arrayView = (preview: Of<"array">, label: string): TemplateResult => {
  const { low, high, mean, rows, shape } = preview;
  const columns = rows[0] === undefined || shape.length < 2 ? [] : rows[0].map((_, index) => index.toString());
  return html`<dl class="facts">
      ${fact("Shape", shape.length === 0 ? "scalar" : shape.join(" × "))} ${fact("Type", preview.dtype)}
      ${low === null || high === null ? nothing : fact("Range", `${shortNumber(low)} … ${shortNumber(high)}`)}
      ${mean === null ? nothing : fact("Mean", shortNumber(mean))}
    </dl>
    ${preview.line.length > 2 ? sparkline(preview.line, label) : nothing}
    ${rows.length === 0 ? nothing : tableView({ label: `First values of ${label}`, columns, rows, numbered: shape.length > 1 })}
    ${
      preview.truncated
        ? html`<p class="note">
            The first values of
            ${plural(
              shape.reduce((total, length) => total * length, 1),
              "value",
            )}.
          </p>`
        : nothing
    }`;
};

const previewView = (preview: Preview, label: string): TemplateResult => {
  switch (preview.is) {
    case "image":
      return imageView(preview, label);
    case "array":
      return arrayView(preview, label);
    case "table":
      return html`${tableView({ label, columns: preview.columns, rows: preview.rows, numbered: true })}
      ${
        preview.total !== null && preview.total <= preview.rows.length
          ? nothing
          : html`<p class="note">
              ${preview.total === null ? `The first ${plural(preview.rows.length, "row")}.` : `The first ${preview.rows.length.toLocaleString("en")} of ${plural(preview.total, "row")}.`}
            </p>`
      }`;
    case "text":
      return html`<pre class="text-output" tabindex="0" role="region" aria-label=${label}>${preview.text}</pre>
        ${preview.truncated ? html`<p class="note">The beginning of a longer text.</p>` : nothing}`;
    case "binary":
      return html`<p class="note">${preview.note}</p>
        ${
          preview.head === ""
            ? nothing
            : html`<details class="quiet-details">
                <summary>First bytes</summary>
                <pre class="text-output" tabindex="0" role="region" aria-label=${`First bytes of ${label}`}>
${preview.head}</pre>
              </details>`
        }`;
  }
};

/** One file that a realization of `stage` holds. */
export const fileView = (
  { file, preview, failure }: FilePreview,
  rref: string,
  send: Send,
  stage: string,
): TemplateResult => {
  const name = file.label === "" ? file.path : file.label;
  // many stages have a return value: to a screen reader each is another
  const label = `${name} of ${stage}`;
  return html`<figure class="output" data-file=${file.path}>
    <figcaption>
      <span class="output-name" title=${file.path}>${name}</span>
      <span class="output-size">${size(file.size)}</span>
      ${button({
        kind: "icon",
        label: `Open ${file.path}`,
        icon: "go-to-file",
        name: "open-file",
        press: () => {
          send({ is: "open-file", rref, file: file.path });
        },
      })}
    </figcaption>
    ${failure !== null ? failureView(failure, send, label) : preview === null ? html`<p class="empty">There is no preview of this file.</p>` : previewView(preview, label)}
  </figure>`;
};
