import {
  Chart,
  LineController,
  LineElement,
  LinearScale,
  PointElement,
  Tooltip,
  type ChartConfiguration,
  type ChartDataset,
} from "chart.js";
import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { styled } from "../styled.js";
import { Part, type Desk } from "../part.js";
import type { Curve } from "../state/curve.js";
import { plural, shortNumber } from "../../../extension/src/protocol/words/figures.js";
import type { Colours } from "../theme.js";
import { SeriesSet, type Series } from "./series.js";

type Line = Chart<"line", { x: number; y: number }[]>;

/** Makes the parts of the chart library known that are used here. */
export const defineCharts = (): void => {
  Chart.register(LineController, LineElement, PointElement, LinearScale, Tooltip);
};

const FEW = 40;

/** What a stage reports, drawn while it runs. At most one drawing a frame, of as many points as there are pixels. */
export class ChartView extends Part {
  static override properties = { curve: { attribute: false }, label: {} };
  declare curve: Curve;
  declare label: string;
  declare desk: Desk;
  #series = new SeriesSet();
  #epoch = -1;
  #taken = 0;
  #chart: Line | null = null;
  readonly #hidden = new Set<string>();

  override connectedCallback(): void {
    super.connectedCallback();
    this.own(
      this.desk.theme.watch(() => {
        this.#restart();
      }),
    );
    // moved within the page: the chart was given back when the element left
    if (this.hasUpdated) this.requestUpdate("curve");
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#chart?.destroy();
    this.#chart = null;
  }

  #restart(): void {
    this.#chart?.destroy();
    this.#chart = null;
    this.requestUpdate("curve");
  }

  protected override willUpdate(): void {
    if (this.curve.epoch !== this.#epoch) {
      this.#series = new SeriesSet();
      this.#epoch = this.curve.epoch;
      this.#taken = 0;
    }
    if (this.#taken === this.curve.points.length) return;
    this.#series.take(this.curve.points.from(this.#taken));
    this.#taken = this.curve.points.length;
  }

  protected override updated(_: PropertyValues): void {
    const canvas = this.querySelector("canvas");
    if (canvas === null || this.#series.all.length === 0) return;
    this.#chart ??= new Chart(canvas, this.#configuration());
    this.#fill(this.#chart, canvas.clientWidth);
  }

  #colour(index: number): string {
    const { series, foreground } = this.desk.theme.colours;
    return series[index % series.length] ?? foreground;
  }

  #fill(chart: Line, width: number): void {
    const right = this.#series.onRight();
    const all = this.#series.all;
    chart.data.datasets = all.map((series, index): ChartDataset<"line", { x: number; y: number }[]> => {
      const before = chart.data.datasets.find((dataset) => dataset.label === series.name);
      const look = {
        label: series.name,
        data: series.drawn(Math.max(300, width * 2)),
        borderColor: this.#colour(index),
        backgroundColor: this.#colour(index),
        borderWidth: 1.5,
        pointRadius: series.length <= FEW ? 2 : 0,
        pointHitRadius: 8,
        yAxisID: right.has(series.name) ? "right" : "y",
        hidden: this.#hidden.has(series.name),
      };
      return before === undefined ? look : Object.assign(before, look);
    });
    const axis = chart.options.scales?.["right"];
    if (axis !== undefined) axis.display = right.size > 0;
    chart.update("none");
    canvasMark(this, chart);
  }

  #configuration(): ChartConfiguration<"line", { x: number; y: number }[]> {
    const colours = this.desk.theme.colours;
    const font = { family: colours.font, size: 11 };
    const scale = (more: object): object => ({
      type: "linear",
      grid: { color: colours.grid, drawTicks: false },
      border: { display: false },
      ...more,
      ticks: {
        color: colours.faint,
        font,
        padding: 6,
        maxTicksLimit: 6,
        maxRotation: 0,
        callback: (value: number | string) => shortNumber(Number(value)),
      },
    });
    return {
      type: "line",
      data: { datasets: [] },
      options: {
        animation: false,
        parsing: false,
        normalized: true,
        responsive: true,
        maintainAspectRatio: false,
        interaction: { mode: "index", intersect: false },
        layout: { padding: { top: 6, right: 8 } },
        scales: {
          x: scale({ grid: { display: false } }),
          y: scale({ position: "left" }),
          right: scale({ position: "right", display: false, grid: { drawOnChartArea: false, drawTicks: false } }),
        },
        plugins: { tooltip: tooltip(colours, font) },
      },
    };
  }

  #toggle(name: string): void {
    if (!this.#hidden.delete(name)) this.#hidden.add(name);
    this.requestUpdate();
  }

  #legend(series: Series, index: number): TemplateResult {
    const hidden = this.#hidden.has(series.name);
    return html`<button
      type="button"
      class="legend-item"
      aria-pressed=${hidden ? "false" : "true"}
      title=${hidden ? `Show ${series.name}` : `Hide ${series.name}`}
      @click=${() => {
        this.#toggle(series.name);
      }}
    >
      <span class="swatch" ${styled({ "background-color": this.#colour(index) })}></span>
      <span class="legend-name">${series.name}</span>
      <span class="legend-value">${shortNumber(series.last)}</span>
    </button>`;
  }

  #words(): string {
    const parts = this.#series.all.map(
      (series) =>
        `${series.name}: last ${shortNumber(series.last)}, least ${shortNumber(series.low)}, greatest ${shortNumber(series.high)}`,
    );
    return `${this.label}. ${parts.join("; ")}`;
  }

  protected override render(): TemplateResult {
    const all = this.#series.all;
    return html`<div class="legend" role="group" aria-label="Series">
        ${all.map((series, index) => this.#legend(series, index))}
        ${all.length === 0 ? nothing : html`<span class="legend-count">${plural(Math.max(...all.map((series) => series.length)), "point")}</span>`}
      </div>
      <div class="chart-box"><canvas role="img" aria-label=${this.#words()}></canvas></div>`;
  }
}

const tooltip = (colours: Colours, font: { family: string; size: number }): object => ({
  backgroundColor: colours.tip,
  titleColor: colours.foreground,
  bodyColor: colours.foreground,
  borderColor: colours.tipBorder,
  borderWidth: 1,
  cornerRadius: 3,
  padding: 8,
  boxWidth: 8,
  boxHeight: 8,
  boxPadding: 4,
  titleFont: { ...font, weight: "normal" },
  bodyFont: font,
  callbacks: {
    title: (items: readonly { parsed: { x: number } }[]) => `step ${shortNumber(items[0]?.parsed.x ?? 0)}`,
    label: (item: { dataset: { label?: string }; parsed: { y: number } }) =>
      ` ${item.dataset.label ?? ""}  ${shortNumber(item.parsed.y)}`,
  },
});

/** Leaves on the element how many points are drawn, for whoever looks at the page from outside. */
const canvasMark = (element: HTMLElement, chart: Line): void => {
  element.dataset["drawn"] = chart.data.datasets.reduce((count, { data }) => count + data.length, 0).toString();
};

customElements.define("stage-chart", ChartView);
