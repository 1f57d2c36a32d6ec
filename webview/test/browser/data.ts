/** Pipelines as the host would send them. Built, not recorded: what they hold is what a user's pipeline could. */
import type {
  OutputsView,
  PipelineView,
  StageState,
  StageView,
} from "../../../extension/src/protocol/panels/messages.js";

export const now = (): number => Date.now() / 1000;

export const realization = (
  name: string,
  size: number,
  took: number,
  ago: number,
): Extract<StageState, { is: "cached" }>["realization"] => ({
  rref: `rref:${"a1".repeat(16)}-${"b2".repeat(16)}-${name}`,
  dref: `dref:${"b2".repeat(16)}-${name}`,
  tree: "c3".repeat(16),
  sequence: 7,
  at: now() - ago,
  took,
  size,
  run: "20261121-101500-1",
  visible: true,
  pinned: false,
});

export const cached = (name: string, size = 12_400, took = 3.4, ago = 7300): StageState => ({
  is: "cached",
  realization: realization(name, size, took, ago),
  kept: true,
});

export const stage = (name: string, more: Partial<StageView> = {}): StageView => ({
  name,
  function: name,
  language: "function",
  path: "pipeline.py",
  line: 10,
  source: `@stage\ndef ${name}():\n    return 1\n`,
  doc: "",
  guessed: false,
  dependencies: [],
  parameters: [],
  state: { is: "absent" },
  ...more,
});

export const pipeline = (stages: readonly StageView[], more: Partial<PipelineView> = {}): PipelineView => ({
  path: "pipeline.py",
  title: "pipeline.py",
  trusted: true,
  stages,
  problems: [],
  run: null,
  ...more,
});

export const noOutputs = (name: string, more: Partial<OutputsView> = {}): OutputsView => ({
  stage: name,
  rref: null,
  previews: [],
  log: "",
  points: [],
  ...more,
});

const trainSource = `@stage
def train(features, labels, epochs: int = 40, rate: float = 3e-4, seed: int = 7):
    """Fits a small network and keeps the weights of the best epoch."""
    rng = np.random.default_rng(seed)
    model = Network(features.shape[1], hidden=(64, 32), rng=rng)
    best = None
    for epoch in tqdm(range(epochs)):
        loss = model.epoch(features, labels, rate)  # one pass over the shuffled rows
        held_out = model.loss(*split.validation)
        report(step=epoch, total=epochs, loss=loss, validation=held_out)
        if best is None or held_out < best.loss:
            best = Checkpoint(held_out, model.weights())
    print(f"best validation loss {best.loss:.4f}")
    return best.weights
`;

const plotSource = `@stage
def plot(evaluate, train, out: Out):
    """Draws predicted against measured, with the residuals under it."""
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
    top.scatter(evaluate.measured, evaluate.predicted, s=4, alpha=0.5)
    top.set_ylabel("predicted")
    bottom.plot(evaluate.residuals)
    fig.savefig(out / "fit.png", dpi=144)
    fig.savefig(out / "fit.svg")
`;

export const svgPicture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 160" width="480" height="160"><script>window.parent.__svgRan = true</script><g fill="none" stroke="#1f77b4" stroke-width="1.5"><path d="M20 140 L80 96 L140 104 L200 60 L260 70 L320 40 L380 46 L440 24"/></g><g stroke="#333"><path d="M20 10 V140 H460"/></g><text x="24" y="22" font-size="12" font-family="sans-serif" fill="#333">residuals</text></svg>`;

const esc = "\u001b[";

export const trainLog = [
  `${esc}36m2026-11-21 10:15:02${esc}0m ${esc}1mloading${esc}0m 48,000 rows of 32 columns\n`,
  `${esc}33mwarning${esc}0m: 12 rows without a label are left out\n`,
  ...[5, 22, 41].map(
    (percent) =>
      `\rfit: ${percent.toString().padStart(3)}%|${"█".repeat(percent / 4).padEnd(25)}| ${Math.round(percent * 0.4).toString()}/40`,
  ),
].join("");

export const brokenLog = `reading fits\nTraceback (most recent call last):\n  File "/home/ada/project/pipeline.py", line 71, in evaluate\n    scores = summary["r2"]\n  File "/home/ada/project/helpers/metrics.py", line 18, in __getitem__\n    return self._values[key]\n${esc}31mKeyError: 'r2'${esc}0m\n`;

const trainPoints = Array.from({ length: 17 }, (_, step) => ({
  step,
  at: now() - 60 + step,
  values: {
    loss: 1.1 * Math.exp(-step / 7) + 0.12 + 0.03 * Math.sin(step * 1.7),
    validation: 1.15 * Math.exp(-step / 8) + 0.2 + 0.04 * Math.cos(step * 1.3),
  },
}));

/** A pipeline in the middle of a run: every state once, and outputs of every kind. */
export const midRun = (): PipelineView => {
  const failure = {
    kind: "exception" as const,
    exception: "KeyError",
    message: "KeyError: 'r2'",
    advice: "The stage raised an exception. Its log below is kept; mend the code and realize again.",
    frames: [
      {
        path: "/home/ada/env/lib/python3.11/site-packages/pandas/core/frame.py",
        line: 4101,
        function: "__getitem__",
        text: "indexer = self.columns.get_loc(key)",
        user: false,
      },
      {
        path: "/home/ada/project/pipeline.py",
        line: 70,
        function: "evaluate",
        text: 'scores = summary["r2"]',
        user: true,
      },
      {
        path: "/home/ada/project/helpers/metrics.py",
        line: 17,
        function: "__getitem__",
        text: "return self._values[key]",
        user: true,
      },
    ],
    detail: brokenLog.split("\n").slice(1).join("\n").replaceAll(`${esc}31m`, "").replaceAll(`${esc}0m`, ""),
    package: "",
    command: "",
  };
  const missing = {
    ...failure,
    kind: "missing-package" as const,
    exception: "ModuleNotFoundError",
    message: "ModuleNotFoundError: No module named 'shap'",
    advice: "The environment Python 3.11 (.venv) has no package shap. Install it and realize again.",
    frames: failure.frames.slice(1, 2),
    detail: "",
    package: "shap",
    command: "/home/ada/project/.venv/bin/python -m pip install shap",
  };
  return pipeline(
    [
      stage("raw", {
        line: 8,
        doc: "Reads every measurement file below data/.",
        source: `@stage\ndef raw(files: list[Path] = File("data/*.csv")) -> pd.DataFrame:\n    """Reads every measurement file below data/."""\n    return pd.concat(map(pd.read_csv, files), ignore_index=True)\n`,
        parameters: [{ name: "files", value: "data/*.csv", text: "data/*.csv (12 files)", source: "input" }],
        state: cached("raw", 4_812_000, 12.7, 7300),
      }),
      stage("labels", {
        line: 15,
        dependencies: ["raw"],
        state: cached("labels", 384_128, 0.21, 7290),
        source: `@stage\ndef labels(raw):\n    return raw["strength"].to_numpy()\n`,
      }),
      stage("features", {
        line: 20,
        dependencies: ["raw"],
        parameters: [
          { name: "window", value: 16, text: "16", source: "bind" },
          { name: "scale", value: true, text: "True", source: "default" },
        ],
        source: `@stage\ndef features(raw, window: int = 8, scale: bool = True):\n    rolled = raw.rolling(window).mean().dropna()\n    return standardise(rolled) if scale else rolled\n`,
        state: cached("features", 12_288_128, 3.4, 7280),
      }),
      stage("train", {
        line: 30,
        doc: "Fits a small network and keeps the weights of the best epoch.",
        source: trainSource,
        dependencies: ["features", "labels"],
        parameters: [
          { name: "epochs", value: 40, text: "40", source: "set" },
          { name: "rate", value: 3e-4, text: "0.0003", source: "default" },
          { name: "seed", value: 7, text: "7", source: "default" },
        ],
        state: { is: "running", since: now() - 74, fraction: 0.41, message: "epoch 17" },
      }),
      stage("baseline", {
        line: 50,
        dependencies: ["features", "labels"],
        state: {
          is: "stale",
          reasons: [
            {
              kind: "code",
              summary: "ridge in helpers/metrics.py changed",
              subject: "helpers/metrics.py:ridge",
              before: "a",
              after: "b",
            },
            {
              kind: "parameter",
              summary: "alpha: 1.0 → 0.5",
              subject: "alpha",
              before: "1.0",
              after: "0.5",
            },
          ],
        },
        source: `@stage\ndef baseline(features, labels, alpha: float = 0.5):\n    return ridge(features, labels, alpha)\n`,
      }),
      stage("evaluate", {
        line: 64,
        dependencies: ["baseline", "features", "labels"],
        state: { is: "failed", failure },
        source: `@stage\ndef evaluate(baseline, features, labels):\n    summary = summarise(baseline, features, labels)\n    scores = summary["r2"]\n    return Scores(scores, summary.residuals)\n`,
      }),
      stage("explain", { line: 78, dependencies: ["train", "features"], state: { is: "failed", failure: missing } }),
      stage("plot", {
        line: 90,
        doc: "Draws predicted against measured, with the residuals under it.",
        dependencies: ["evaluate", "train"],
        source: plotSource,
        state: { is: "skipped" },
      }),
      stage("archive", { line: 104, dependencies: ["plot", "raw"], guessed: true, state: { is: "waiting" } }),
      stage("gallery", {
        line: 110,
        dependencies: ["raw"],
        doc: "Pictures of the first measurements.",
        state: cached("gallery", 88_420, 1.9, 90_000),
        source: plotSource.replaceAll("plot", "gallery"),
      }),
    ],
    {
      title: "strength.py",
      path: "strength.py",
      run: { run: "1", is: "running", targets: [], finished: 6, total: 10 },
    },
  );
};

const file = (path: string, size: number, media: string, label = path): OutputsView["previews"][number]["file"] => ({
  path,
  size,
  media,
  label,
});

/** What the stages of `midRun` have made; `png` is the base64 of a picture. */
export const midRunOutputs = (png: string): Readonly<Record<string, OutputsView>> => {
  const rref = (name: string): string => realization(name, 1, 1, 1).rref;
  const course = Array.from(
    { length: 600 },
    (_, at) => 30 + 9 * Math.sin(at / 40) + 3 * Math.sin(at / 7) + (at === 300 ? 14 : 0),
  );
  return {
    raw: noOutputs("raw", {
      rref: rref("raw"),
      log: "read 12 files, 48,012 rows\n",
      previews: [
        {
          file: file("return/value.parquet", 4_812_000, "application/vnd.apache.parquet", "return"),
          preview: {
            is: "table",
            columns: ["when", "sample", "cement", "water", "age", "strength"],
            rows: Array.from({ length: 8 }, (_, row) => [
              `2026-03-0${(1 + row).toString()}`,
              `S-${(100 + row * 7).toString()}`,
              (312.5 + row * 4.25).toFixed(2),
              (171 + row).toString(),
              (28 * (1 + (row % 3))).toString(),
              (38.21 + row * 1.37).toFixed(2),
            ]),
            total: 48_012,
          },
          failure: null,
        },
      ],
    }),
    labels: noOutputs("labels", {
      rref: rref("labels"),
      previews: [
        {
          file: file("return/value.npy", 384_128, "application/x-npy", "return"),
          preview: {
            is: "array",
            shape: [48_000],
            dtype: "float64",
            low: 12.41,
            high: 82.6,
            mean: 35.817_96,
            rows: [["38.21", "39.58", "40.95", "42.32", "43.69", "45.06", "46.43", "47.8"]],
            truncated: true,
            line: course,
          },
          failure: null,
        },
      ],
    }),
    features: noOutputs("features", {
      rref: rref("features"),
      previews: [
        {
          file: file("return/value.npy", 12_288_128, "application/x-npy", "return"),
          preview: {
            is: "array",
            shape: [48_000, 32],
            dtype: "float64",
            low: -3.912,
            high: 4.07,
            mean: 0.000_02,
            rows: Array.from({ length: 6 }, (_, row) =>
              Array.from({ length: 9 }, (_, column) => Math.sin(row * 3 + column).toFixed(4)),
            ),
            truncated: true,
            line: [],
          },
          failure: null,
        },
        {
          file: file("return/columns.json", 412, "application/json", "columns"),
          preview: {
            is: "text",
            text: JSON.stringify({ columns: ["cement", "water", "age"], window: 16, scaled: true }, null, 2),
            language: "json",
            truncated: false,
          },
          failure: null,
        },
        {
          file: file("scaler.pkl", 1210, "application/octet-stream", "scaler"),
          preview: {
            is: "binary",
            note: "A pickle is never opened for a preview, since opening it could run code.",
            head: "80 04 95 c2 04 00 00 00  00 00 00 8c 1b 73 6b 6c",
          },
          failure: null,
        },
      ],
    }),
    train: noOutputs("train", { log: trainLog, points: trainPoints }),
    evaluate: noOutputs("evaluate", { log: brokenLog }),
    gallery: noOutputs("gallery", {
      rref: rref("gallery"),
      previews: [
        {
          file: file("fit.png", 61_204, "image/png"),
          preview: { is: "image", media: "image/png", data: png },
          failure: null,
        },
        {
          file: file("fit.svg", 11_870, "image/svg+xml"),
          preview: { is: "image", media: "image/svg+xml", data: Buffer.from(svgPicture).toString("base64") },
          failure: null,
        },
      ],
    }),
  };
};

/** A small generator of numbers in [0, 1), the same each time. */
export const random = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A pipeline of `count` stages in `depth` layers, each made from one to three earlier ones, most of the layer before. */
export const large = (count: number, depth: number): PipelineView => {
  const next = random(count);
  const wide = Math.ceil(count / depth);
  const states: readonly StageState[] = [
    cached("x"),
    cached("x"),
    cached("x"),
    { is: "absent" },
    { is: "stale", reasons: [] },
    { is: "running", since: now() - 3, fraction: 0.6 },
    {
      is: "failed",
      failure: {
        kind: "exception",
        message: "no",
        advice: "",
        exception: "ValueError",
        frames: [],
        detail: "",
        package: "",
        command: "",
      },
    },
  ];
  return pipeline(
    Array.from({ length: count }, (_, at) => {
      const layer = Math.floor(at / wide);
      const from =
        layer === 0
          ? []
          : Array.from({ length: next() < 0.6 ? 1 : 2 }, () => {
              const above = next() < 0.9 ? layer - 1 : Math.floor(next() * layer);
              const near = Math.floor((at % wide) + (next() - 0.5) * 8);
              return `stage_${(above * wide + Math.min(wide - 1, Math.max(0, near))).toString()}`;
            });
      return stage(`stage_${at.toString()}`, {
        line: at * 6,
        dependencies: [...new Set(from)],
        state: states[Math.floor(next() ** 2 * states.length)] ?? { is: "absent" },
      });
    }),
    { title: "large.py", path: `large-${count.toString()}.py` },
  );
};
