// Generated from python-kernel/src/stageloom/rpc/messages.py by `npm run protocol`: do not edit.

/** Version of these messages; both sides must agree exactly. */
export const PROTOCOL = 1;

/**
 * JSON. A float that happens to be whole travels as `{ $float: "1.0" }`, an integer beyond 53 bits as
 * `{ $int: "…" }`: hand such objects on as they are.
 */
export type Json = boolean | number | string | null | readonly Json[] | { readonly [key: string]: Json };

export type Role = "engine" | "planner" | "worker" | "operator";

export type Preview = ImagePreview | ArrayPreview | TablePreview | TextPreview | BinaryPreview;

export type JobOutcome = JobDone | JobFailed | JobStale;

export type CallOutcome = CallDone | CallFailed;

export type StreamOutcome = Chunks | CallFailed;

/**
 * The first message on every connection. `workspace` and `store` are absolute folders, for the engine alone.
 *
 * `link` is how equal files of the store share their space: empty for what the environment says.
 */
export interface InitializeParams {
  readonly protocol: number;
  readonly role: Role;
  readonly client: string;
  readonly workspace?: string;
  readonly store?: string;
  readonly link?: "" | "reflink" | "hardlink" | "copy";
}

/** The kernel's side of the handshake. `warnings` are sentences to show (a read-only store, say). */
export interface InitializeResult {
  readonly protocol: number;
  readonly version: string;
  readonly python: string;
  readonly executable: string;
  readonly pid: number;
  readonly store: string;
  readonly warnings: readonly string[];
}

/** Nothing to say. */
export type Empty = Record<string, never>;

/** A stretch of a source file, from line and column up to, not with, the end. */
export interface Span {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Something wrong in the source that keeps a stage from being planned. */
export interface Problem {
  readonly code: "syntax" | "cycle" | "unknown-dependency" | "duplicate-stage" | "bad-parameter" | "bad-declaration" | "import-failed";
  readonly message: string;
  readonly span: Span;
  readonly severity: "error" | "warning";
  readonly stages: readonly string[];
}

/** One line of a traceback. `path` is absolute; `user` says that the file belongs to the project. */
export interface Frame {
  readonly path: string;
  readonly line: number;
  readonly function: string;
  readonly text: string;
  readonly user: boolean;
}

/**
 * Why a job did not end well, classified from evidence, with what to do about it.
 *
 * `message` is one line; `advice` says what the user can do; `frames` are innermost last; `detail` is the
 * traceback or the end of stderr. `package` and `command` are set for a missing package: the command installs it.
 */
export interface Failure {
  readonly kind: "exception" | "missing-package" | "missing-output" | "unstorable" | "unserialisable" | "import-failed" | "code-changed" | "killed" | "crashed" | "timeout" | "cancelled" | "store" | "disk-full" | "damaged" | "no-interpreter" | "old-interpreter" | "refused" | "lost-session" | "internal";
  readonly message: string;
  readonly advice: string;
  readonly exception: string;
  readonly frames: readonly Frame[];
  readonly detail: string;
  readonly package: string;
  readonly command: string;
}

/**
 * One configured parameter of a stage; `value` is JSON as in `stageloom.model.values`, `text` how to show it.
 *
 * `source` says where the value came from.
 */
export interface Parameter {
  readonly name: string;
  readonly value: Json;
  readonly text: string;
  readonly source: "default" | "set" | "bind" | "input";
}

/** One thing that makes a stage stale. `before` and `after` are the two texts to compare, if any. */
export interface Reason {
  readonly kind: "new" | "code" | "parameter" | "dependency" | "input" | "package" | "environment" | "invalidated" | "unresolved";
  readonly summary: string;
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** One realization as a list shows it. `sequence` orders them; a hidden one was invalidated. */
export interface Realization {
  readonly rref: string;
  readonly dref: string;
  readonly tree: string;
  readonly sequence: number;
  readonly at: number;
  readonly took: number;
  readonly size: number;
  readonly run: string;
  readonly visible: boolean;
  readonly pinned: boolean;
}

/**
 * The last run of a stage as it now is, where that made nothing. Its log and curve are in `folder`.
 *
 * `at` is when it ended; `failure` of a cancelled one says what ended it.
 */
export interface LastRun {
  readonly is: "failed" | "cancelled";
  readonly run: string;
  readonly stage: string;
  readonly at: number;
  readonly took: number;
  readonly failure: Failure;
  readonly folder: string;
}

/**
 * A stage as it stands, before anything runs.
 *
 * `name` is unique in its pipeline; `function` is the Python function it is written in. `is`: *cached* there is
 * a realization; *stale* there was one of an earlier code, parameter or dependency; *absent* never made; *unknown* it
 * cannot be said before a dependency has run or the planner has spoken; *broken* a problem keeps it from planning.
 * `note` is what to say of it beside that. `reads` names what its last realization was seen to read undeclared, as
 * `tracking.reads` does: files, folders with a slash at their end, variables. `expects` is how many seconds it
 * took when it last ran, where it isn't cached.
 */
export interface StageStatus {
  readonly name: string;
  readonly function: string;
  readonly language: "function" | "derivation" | "reactor";
  readonly span: Span;
  readonly is: "cached" | "stale" | "absent" | "unknown" | "broken";
  readonly dependencies: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly reasons: readonly Reason[];
  readonly dref: string | null;
  readonly realization: Realization | null;
  readonly pool: string;
  readonly guessed: boolean;
  readonly doc: string;
  readonly note: string;
  readonly reads: readonly string[];
  readonly expects: number | null;
  readonly lastRun: LastRun | null;
}

/**
 * Ask how a pipeline stands. `path` is relative to the workspace, with `/`.
 *
 * `overlays` holds the text of files that are open and not saved. `sets` holds `stage.parameter` and its value,
 * over those of the `profile` in `stageloom.json`, if one is named.
 */
export interface PlanParams {
  readonly path: string;
  readonly overlays?: Readonly<Record<string, string>>;
  readonly sets?: Readonly<Record<string, Json>>;
  readonly profile?: string;
}

/** A pipeline as it stands. `files` are the project's files, relative, that it was read from. */
export interface Plan {
  readonly path: string;
  readonly snapshot: string;
  readonly stages: readonly StageStatus[];
  readonly problems: readonly Problem[];
  readonly files: readonly string[];
}

/** The parameter profiles of the workspace, by name, in the order of `stageloom.json`. */
export interface Profiles {
  readonly names: readonly string[];
}

/** Ask why a stage is not cached, with the texts to compare. */
export interface WhyParams {
  readonly path: string;
  readonly stage: string;
  readonly overlays?: Readonly<Record<string, string>>;
  readonly sets?: Readonly<Record<string, Json>>;
  readonly profile?: string;
}

/** The reasons, most telling first; empty when the stage is cached. */
export interface Why {
  readonly reasons: readonly Reason[];
}

/** Realize `targets` (stage names; all when empty) of the saved pipeline at `path`. */
export interface RunParams {
  readonly path: string;
  readonly targets?: readonly string[];
  readonly sets?: Readonly<Record<string, Json>>;
  readonly profile?: string;
}

/** The run's identity; what happens next arrives as `run/changed`. */
export interface RunStarted {
  readonly run: string;
}

/**
 * A stage within a run. *kept* it was cached, or its new inputs equal old ones; *skipped* what it needs failed.
 *
 * `awaits` says what a waiting one waits for: stages that it needs, a worker, or another process that is at the same
 * work. `started` counts from when a worker began.
 */
export interface RunStage {
  readonly name: string;
  readonly is: "waiting" | "running" | "done" | "kept" | "failed" | "cancelled" | "skipped";
  readonly started: number | null;
  readonly took: number | null;
  readonly realization: Realization | null;
  readonly failure: Failure | null;
  readonly awaits: "stages" | "worker" | "process";
}

/** A run's state. `stages` holds only the stages that changed since the last message of this run. */
export interface RunChanged {
  readonly run: string;
  readonly path: string;
  readonly is: "planning" | "running" | "done" | "failed" | "cancelling" | "cancelled";
  readonly targets: readonly string[];
  readonly stages: readonly RunStage[];
  readonly failure: Failure | null;
  readonly problems: readonly Problem[];
}

/** Names a run. */
export interface RunRef {
  readonly run: string;
}

/** What a stage printed, in order, as it came: carriage returns included. */
export interface RunLog {
  readonly run: string;
  readonly path: string;
  readonly stage: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** One `report()`: `values` are finite numbers by name. */
export interface Point {
  readonly step: number;
  readonly values: Readonly<Record<string, number>>;
  readonly at: number;
}

/** Points reported since the last message. `fraction` in [0, 1] where the stage told its `total`. */
export interface RunProgress {
  readonly run: string;
  readonly path: string;
  readonly stage: string;
  readonly points: readonly Point[];
  readonly fraction: number | null;
  readonly message: string;
}

/**
 * Hide the visible realizations of stages, with all that depends on them where `dependents` is true.
 *
 * Either `stages` of the pipeline at `path`, or single `rrefs`.
 */
export interface InvalidateParams {
  readonly path?: string;
  readonly stages?: readonly string[];
  readonly dependents?: boolean;
  readonly rrefs?: readonly string[];
  readonly sets?: Readonly<Record<string, Json>>;
  readonly profile?: string;
}

/** `sequence` of the journal event (0 when there was nothing to hide) and what it hid. */
export interface Invalidated {
  readonly sequence: number;
  readonly rrefs: readonly string[];
  readonly stages: readonly string[];
}

/** Undo the invalidation with this journal sequence, or the last one when it is 0. */
export interface UndoParams {
  readonly sequence?: number;
}

/** What is visible again; empty when there was nothing to undo. */
export interface Undone {
  readonly sequence: number;
  readonly rrefs: readonly string[];
}

/** List what is cached for a pipeline (relative path), or for all of the workspace when empty. */
export interface ArtifactsParams {
  readonly path?: string;
  readonly hidden?: boolean;
}

/** One file of a tree; `path` within it, with `/`. `label` is how it is shown (a return value's key, say). */
export interface ArtifactFile {
  readonly path: string;
  readonly size: number;
  readonly label: string;
  readonly media: string;
}

/** A realization and its files. */
export interface RealizationFiles {
  readonly realization: Realization;
  readonly files: readonly ArtifactFile[];
}

/** A stage and its realizations, newest first. */
export interface StageArtifacts {
  readonly path: string;
  readonly stage: string;
  readonly realizations: readonly RealizationFiles[];
}

/** What is cached, by stage. */
export interface Artifacts {
  readonly stages: readonly StageArtifacts[];
  readonly total: number;
}

/** Names a file of a realization; the whole tree where `file` is empty. */
export interface FileParams {
  readonly rref: string;
  readonly file?: string;
}

/** An absolute path. */
export interface Located {
  readonly path: string;
}

/** What a realization was made from, stage by stage, as text; `at` is when, in seconds since the epoch. */
export interface Described {
  readonly text: string;
  readonly at: number;
}

/** Copy a file, or the whole tree, to an absolute `target`: a file's new path, or a folder that does not exist. */
export interface ExportParams {
  readonly rref: string;
  readonly target: string;
  readonly file?: string;
}

/** A picture; `data` is base64. */
export interface ImagePreview {
  readonly media: string;
  readonly data: string;
  readonly is: "image";
}

/**
 * An array: `shape`, `dtype`, range over finite values, and the first values as text, row by row.
 *
 * `line` holds at most 2,000 points of a one-dimensional numeric array, evenly taken, to draw.
 */
export interface ArrayPreview {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly mean: number | null;
  readonly rows: readonly (readonly string[])[];
  readonly truncated: boolean;
  readonly line: readonly (number | null)[];
  readonly is: "array";
}

/** The first rows of a table as text; `total` is None where counting would cost a whole read. */
export interface TablePreview {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly total: number | null;
  readonly is: "table";
}

/** Text, or JSON laid out; `language` is VS Code's language id. */
export interface TextPreview {
  readonly text: string;
  readonly language: string;
  readonly truncated: boolean;
  readonly is: "text";
}

/** What has no better preview. `note` says why (a pickle is never opened, say); `head` is a hex dump. */
export interface BinaryPreview {
  readonly note: string;
  readonly head: string;
  readonly is: "binary";
}

/** A file of a tree and what it looks like, or why it cannot be shown. */
export interface FilePreview {
  readonly file: ArtifactFile;
  readonly preview: Preview | null;
  readonly failure: Failure | null;
}

/** Ask for all that a realization made: previews of its first files, its log and its curve. */
export interface OutputsParams {
  readonly rref: string;
}

/** What a cell shows under its source. `log` is the end of it where it is long. */
export interface Outputs {
  readonly realization: Realization;
  readonly previews: readonly FilePreview[];
  readonly log: string;
  readonly points: readonly Point[];
}

/** Ask what is kept of a stage in a run, whether it made something or not. */
export interface RecordParams {
  readonly run: string;
  readonly stage: string;
}

/** What a stage printed and reported in a run. `log` is the end of it where it is long. */
export interface RunRecord {
  readonly log: string;
  readonly points: readonly Point[];
}

/** Pin a realization for this workspace, or take its pin away. */
export interface PinParams {
  readonly rref: string;
  readonly pinned: boolean;
}

/**
 * Collect what no pipeline reaches, nobody has pinned and nothing uses; without `delete`, only tell.
 *
 * What other workspaces have reached in the last `others` seconds stays, too.
 */
export interface CollectParams {
  readonly delete?: boolean;
  readonly others?: number;
}

/** A realization that goes. */
export interface Garbage {
  readonly path: string;
  readonly stage: string;
  readonly at: number;
  readonly size: number;
}

/** How many realizations stay because another workspace, a folder, has reached them, last at `at`. */
export interface SparedRealizations {
  readonly workspace: string;
  readonly at: number;
  readonly count: number;
}

/**
 * What was collected, or would be: the first of `garbage`, which are `count`.
 *
 * `freed` bytes with the `leftovers` that belong to nothing; `kept` realizations stay, with `size` bytes,
 * `in_use` of them because a process uses them, the `spared` because other workspaces reach them.
 */
export interface Collected {
  readonly garbage: readonly Garbage[];
  readonly count: number;
  readonly leftovers: number;
  readonly freed: number;
  readonly kept: number;
  readonly size: number;
  readonly inUse: number;
  readonly spared: readonly SparedRealizations[];
}

/** Read all of the store; mend what is damaged if `repair`. */
export interface VerifyParams {
  readonly repair?: boolean;
}

/** Something in the store that is not as it was stored; `path` is absolute. */
export interface Damaged {
  readonly kind: string;
  readonly path: string;
  readonly what: string;
}

/** What was found, and what a repair did: objects moved to `folder`, made anew, realizations forgotten. */
export interface Verified {
  readonly damages: readonly Damaged[];
  readonly realizations: number;
  readonly size: number;
  readonly moved: number;
  readonly mended: number;
  readonly forgotten: number;
  readonly folder: string;
}

/** How far a long work on the store is: `done` of `total` things, 0 where that is not known. */
export interface StoreProgress {
  readonly work: "collect" | "verify";
  readonly done: number;
  readonly total: number;
}

/** A realization that could not be sent, because it, or something that it was made from, is not here any more. */
export interface LeftOut {
  readonly rref: string;
  readonly why: string;
}

/** Write an archive of realizations, with all they were made from, to an absolute path. */
export interface PackParams {
  readonly rrefs: readonly string[];
  readonly target: string;
}

/** How many realizations an archive holds, and its bytes; what could not be packed was left out. */
export interface Packed {
  readonly path: string;
  readonly realizations: number;
  readonly size: number;
  readonly leftOut: readonly LeftOut[];
}

/** Take in the archive at an absolute path. */
export interface UnpackParams {
  readonly path: string;
}

/** How many realizations came in, with how many bytes, and how many were here already. */
export interface Received {
  readonly added: number;
  readonly known: number;
  readonly bytes: number;
}

/**
 * Push to, or pull from, the remote at a URL: a pipeline's stages as they now are, or everything without a path.
 *
 * A push with `check` reads what is there of them, and mends what is damaged.
 */
export interface RemoteParams {
  readonly remote: string;
  readonly path?: string;
  readonly profile?: string;
  readonly check?: boolean;
}

/**
 * How many realizations were sent, with how many bytes, and how many were there already.
 *
 * `mended` are objects there that were damaged; what could not be sent was left out.
 */
export interface Pushed {
  readonly sent: number;
  readonly known: number;
  readonly bytes: number;
  readonly mended: number;
  readonly leftOut: readonly LeftOut[];
}

/** Realizations came, went or were hidden, by this process or another: ask again for what is shown. */
export interface StoreChanged {
  readonly sequence: number;
}

/**
 * Run one job on `pool` (empty for the default): the host passes `method` and `params` to a worker.
 *
 * The job waits until a worker is free; `job/changed` tells when it begins. A worker that has imported another
 * version of a project file answers `stale`; the host then takes another. Cancelling this request cancels the job:
 * an interrupt, then terminate, then kill.
 */
export interface PoolRunParams {
  readonly job: string;
  readonly role: "planner" | "worker";
  readonly pool: string;
  readonly snapshot: string;
  readonly method: "worker/plan" | "worker/realize" | "worker/match";
  readonly params: Json;
  readonly warm: readonly string[];
}

/** The worker's answer. */
export interface JobDone {
  readonly result: Json;
  readonly is: "done";
}

/** The job failed, or its worker died; `failure` says which. */
export interface JobFailed {
  readonly failure: Failure;
  readonly is: "failed";
}

/** The worker has imported another version of a project file: it must not be used for this snapshot. */
export interface JobStale {
  readonly is: "stale";
}

/** A job began on a worker, or waits for one again, since that worker had other sources. */
export interface JobChanged {
  readonly job: string;
  readonly is: "waiting" | "running";
}

/** What user code printed during a job. */
export interface JobLog {
  readonly job: string;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** Points that user code reported during a job. */
export interface JobProgress {
  readonly job: string;
  readonly points: readonly Point[];
  readonly fraction: number | null;
  readonly message: string;
}

/**
 * Import the pipeline file of a snapshot and say what it declares. `root` is the project, `store` the store.
 *
 * `snapshot` is an identity: the snapshot's JSON is at `<store>/snapshots/ab/<id>.json` (ab: two digits of it),
 * the contents of its files at `<store>/sources/ab/<sha256>`. Code may cache what it derives from contents in
 * `<store>/cache/`. A worker reads these files itself; it never opens the store's index.
 */
export interface PlanJob {
  readonly job: string;
  readonly store: string;
  readonly root: string;
  readonly snapshot: string;
  readonly path: string;
  readonly sets?: Readonly<Record<string, Json>>;
}

/**
 * A stage as running the pipeline file declared it.
 *
 * `configuration` holds the values of all configuration parameters, before any `sets`. A derivation comes whole,
 * as `Derivation.as_json` gives it, with `dependencies` naming the stages behind its roles. `alias` names the
 * stage that this one only stands for: it has that stage's derivation and realizations, and no job of its own.
 *
 * `match` says which of its realizations stand for it: *latest*, *only*, or *custom*, where `worker/match` is
 * asked; `count` is how many it wants, `outputs` how many one job makes. `reach` is the fingerprint of its
 * code where that does not count. `auxiliary` are parameters of a reactor that do not count.
 */
export interface PlannedStage {
  readonly name: string;
  readonly function: string;
  readonly language: "function" | "derivation" | "reactor";
  readonly configuration: Readonly<Record<string, Json>>;
  readonly dependencies: Readonly<Record<string, readonly string[]>>;
  readonly derivation: Json;
  readonly span: Span | null;
  readonly doc: string;
  readonly pool: string;
  readonly match: string;
  readonly alias: string;
  readonly count: number;
  readonly outputs: number;
  readonly reach: string;
  readonly auxiliary: readonly string[];
}

/** What `worker/plan` answers, inside `JobDone.result`: the stages, dependencies before dependants. */
export interface Planned {
  readonly stages: readonly PlannedStage[];
  readonly problems: readonly Problem[];
}

/**
 * Ask the matcher of `stage` about `rrefs`, its realizations in the order they were made; as `PlanJob`.
 *
 * `stages` is what it is in `RealizeJob`.
 */
export interface MatchJob {
  readonly job: string;
  readonly store: string;
  readonly root: string;
  readonly snapshot: string;
  readonly path: string;
  readonly stage: string;
  readonly dref: string;
  readonly rrefs: readonly string[];
  readonly sets?: Readonly<Record<string, Json>>;
  readonly stages?: Readonly<Record<string, string>>;
}

/** What `worker/match` answers, inside `JobDone.result`: those chosen, or None to ask for a new one. */
export interface Matched {
  readonly rrefs: readonly string[] | null;
}

/**
 * Run one stage. `target` is `path:stage`; `trees` holds for each role the absolute folders it was given.
 *
 * `realizations` holds for each role the RRefs of those folders, `sets` the run's `stage.parameter` values,
 * `inputs` the SHA-256 of each input file by its path, as in the derivation: the worker refuses other contents.
 *
 * `across` names the roles that stages of another language stand for, with what is received for each: a *value*,
 * a list of *values*, all that a reactor *sent*, or the *ingredient* of the role's name. `stages` holds the DRefs of
 * the stages that derivations of the file may name.
 *
 * The worker writes into `scratch` (which exists and is empty) and reports what it wrote.
 */
export interface RealizeJob {
  readonly job: string;
  readonly store: string;
  readonly root: string;
  readonly snapshot: string;
  readonly language: "function" | "derivation" | "reactor";
  readonly path: string;
  readonly stage: string;
  readonly dref: string;
  readonly code: string;
  readonly configuration: Readonly<Record<string, Json>>;
  readonly trees: Readonly<Record<string, readonly string[]>>;
  readonly scratch: string;
  readonly seed?: number;
  readonly sets?: Readonly<Record<string, Json>>;
  readonly realizations?: Readonly<Record<string, readonly string[]>>;
  readonly inputs?: Readonly<Record<string, string>>;
  readonly across?: Readonly<Record<string, string>>;
  readonly stages?: Readonly<Record<string, string>>;
}

/** Import these third-party modules ahead of the first job, without a word where one is missing or fails. */
export interface WarmParams {
  readonly modules: readonly string[];
}

/** A file below `scratch`: its path with `/`, size, and the SHA-256 of its content. */
export interface WrittenFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

/**
 * What a job wrote. `warnings` are sentences to show (a value had to be pickled, say).
 *
 * `references`: the work read a reference as text, or a tree that is not a direct dependency's. It then depends on
 * more than its action key tells, and must be found by derivation and context alone. `instances`: it made several
 * realizations at once, each in one of these folders below `scratch`; every file is in one of them.
 *
 * `reads` is what it read of the project without declaring it: by name, as `tracking.reads` has them, SHA-256.
 * `derivation` is what a reactor turned out to be once it had run, as `Derivation.as_json` gives it.
 */
export interface Realized {
  readonly files: readonly WrittenFile[];
  readonly took: number;
  readonly peakMemory: number;
  readonly warnings: readonly string[];
  readonly references: boolean;
  readonly instances: readonly string[];
  readonly reads: Readonly<Record<string, string>>;
  readonly derivation: Json;
}

/** A line of the kernel's own log, for its output channel. */
export interface LogMessage {
  readonly level: "debug" | "info" | "warning" | "error";
  readonly text: string;
}

/**
 * Make an operator ready for calls: its first request after `initialize`.
 *
 * `entry` is a module, looked for in `paths` first, or the absolute path of a script (it ends in `.py`).
 * `modules` are imported and `script` is run before it. `journal` is the file in which calls are noted;
 * `memory` limits what the process may take, in bytes, where that is above 0. From `inline` on, a value's bytes
 * travel in a file beside the journal (its path with a number behind), below that in the text.
 */
export interface OpenParams {
  readonly entry: string;
  readonly journal: string;
  readonly paths?: readonly string[];
  readonly modules?: readonly string[];
  readonly script?: string;
  readonly memory?: number;
  readonly inline?: number;
}

/** The operations that the entry module holds, or why it could not be opened. */
export interface Opened {
  readonly operations: readonly string[];
  readonly failure: Failure | null;
}

/**
 * Run one operation. `call` numbers the pool's calls, from 1.
 *
 * `arguments` is a value as `worker.exchange` writes it: a list of positional or an object of named arguments.
 * With a `fence` above 0 the operation is a method of the session's object: the one that `worker/session` made
 * with this fence, or the call is refused.
 */
export interface CallParams {
  readonly call: number;
  readonly operation: string;
  readonly arguments: string;
  readonly fence?: number;
}

/**
 * Make the object of a session: an instance of the class `kind` of the entry module.
 *
 * It is made with `arguments`, or from the file `checkpoint` where that is not empty. Higher fences come later.
 */
export interface SessionParams {
  readonly call: number;
  readonly fence: number;
  readonly kind: string;
  readonly arguments: string;
  readonly checkpoint?: string;
}

/** Write the session's object into the file `path`, which then holds the old or the new one whole. */
export interface CheckpointParams {
  readonly call: number;
  readonly fence: number;
  readonly path: string;
}

/** What the operation returned, as `worker.exchange` writes it. */
export interface CallDone {
  readonly value: string;
  readonly is: "ok";
}

/** The operation raised, was interrupted, or could not be called. */
export interface CallFailed {
  readonly failure: Failure;
  readonly is: "error";
}

/** Begin to stream what an operation yields; as `CallParams`. The worker serves nothing else until it is over. */
export interface StreamParams {
  readonly call: number;
  readonly operation: string;
  readonly arguments: string;
  readonly fence?: number;
}

/**
 * Give the next chunks: at most `most`, of some `size` bytes together, and what there is after `seconds`.
 *
 * One is always waited for, unless the stream is over.
 */
export interface NextParams {
  readonly call: number;
  readonly most: number;
  readonly size: number;
  readonly seconds: number;
}

/** What came next, as `worker.exchange` writes it; `over` says that nothing comes after it. */
export interface Chunks {
  readonly values: readonly string[];
  readonly over: boolean;
  readonly is: "chunks";
}

/** Nobody reads the stream any more: what yields it is closed. */
export interface CloseParams {
  readonly call: number;
}

/** What user code printed during a call; 0 for what came between calls. */
export interface CallLog {
  readonly call: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
}

/** During `call`, ask for a function of the host; `arguments` as in `CallParams`. */
export interface ToolParams {
  readonly call: number;
  readonly tool: string;
  readonly arguments: string;
}

/** Every method: who is asked, with what, and the answer (`null` for a notification). */
export interface Methods {
  readonly "initialize": { readonly towards: "engine"; readonly params: InitializeParams; readonly result: InitializeResult };
  readonly "shutdown": { readonly towards: "engine"; readonly params: Empty; readonly result: Empty };
  readonly "pipeline/plan": { readonly towards: "engine"; readonly params: PlanParams; readonly result: Plan };
  readonly "pipeline/why": { readonly towards: "engine"; readonly params: WhyParams; readonly result: Why };
  readonly "pipeline/profiles": { readonly towards: "engine"; readonly params: Empty; readonly result: Profiles };
  readonly "run/start": { readonly towards: "engine"; readonly params: RunParams; readonly result: RunStarted };
  readonly "run/cancel": { readonly towards: "engine"; readonly params: RunRef; readonly result: Empty };
  readonly "stage/invalidate": { readonly towards: "engine"; readonly params: InvalidateParams; readonly result: Invalidated };
  readonly "stage/undo": { readonly towards: "engine"; readonly params: UndoParams; readonly result: Undone };
  readonly "store/artifacts": { readonly towards: "engine"; readonly params: ArtifactsParams; readonly result: Artifacts };
  readonly "store/preview": { readonly towards: "engine"; readonly params: FileParams; readonly result: FilePreview };
  readonly "store/outputs": { readonly towards: "engine"; readonly params: OutputsParams; readonly result: Outputs };
  readonly "store/record": { readonly towards: "engine"; readonly params: RecordParams; readonly result: RunRecord };
  readonly "store/locate": { readonly towards: "engine"; readonly params: FileParams; readonly result: Located };
  readonly "store/export": { readonly towards: "engine"; readonly params: ExportParams; readonly result: Located };
  readonly "store/describe": { readonly towards: "engine"; readonly params: FileParams; readonly result: Described };
  readonly "store/pin": { readonly towards: "engine"; readonly params: PinParams; readonly result: Empty };
  readonly "store/collect": { readonly towards: "engine"; readonly params: CollectParams; readonly result: Collected };
  readonly "store/verify": { readonly towards: "engine"; readonly params: VerifyParams; readonly result: Verified };
  readonly "store/pack": { readonly towards: "engine"; readonly params: PackParams; readonly result: Packed };
  readonly "store/unpack": { readonly towards: "engine"; readonly params: UnpackParams; readonly result: Received };
  readonly "store/push": { readonly towards: "engine"; readonly params: RemoteParams; readonly result: Pushed };
  readonly "store/pull": { readonly towards: "engine"; readonly params: RemoteParams; readonly result: Received };
  readonly "run/changed": { readonly towards: "host"; readonly params: RunChanged; readonly result: null };
  readonly "run/log": { readonly towards: "host"; readonly params: RunLog; readonly result: null };
  readonly "run/progress": { readonly towards: "host"; readonly params: RunProgress; readonly result: null };
  readonly "store/changed": { readonly towards: "host"; readonly params: StoreChanged; readonly result: null };
  readonly "store/progress": { readonly towards: "host"; readonly params: StoreProgress; readonly result: null };
  readonly "log/message": { readonly towards: "host"; readonly params: LogMessage; readonly result: null };
  readonly "pool/run": { readonly towards: "host"; readonly params: PoolRunParams; readonly result: JobOutcome };
  readonly "job/changed": { readonly towards: "engine"; readonly params: JobChanged; readonly result: null };
  readonly "job/log": { readonly towards: "engine"; readonly params: JobLog; readonly result: null };
  readonly "job/progress": { readonly towards: "engine"; readonly params: JobProgress; readonly result: null };
  readonly "worker/plan": { readonly towards: "worker"; readonly params: PlanJob; readonly result: JobOutcome };
  readonly "worker/realize": { readonly towards: "worker"; readonly params: RealizeJob; readonly result: JobOutcome };
  readonly "worker/match": { readonly towards: "worker"; readonly params: MatchJob; readonly result: JobOutcome };
  readonly "worker/warm": { readonly towards: "worker"; readonly params: WarmParams; readonly result: Empty };
  readonly "worker/open": { readonly towards: "worker"; readonly params: OpenParams; readonly result: Opened };
  readonly "worker/call": { readonly towards: "worker"; readonly params: CallParams; readonly result: CallOutcome };
  readonly "worker/session": { readonly towards: "worker"; readonly params: SessionParams; readonly result: CallOutcome };
  readonly "worker/checkpoint": { readonly towards: "worker"; readonly params: CheckpointParams; readonly result: CallOutcome };
  readonly "worker/stream": { readonly towards: "worker"; readonly params: StreamParams; readonly result: CallOutcome };
  readonly "worker/next": { readonly towards: "worker"; readonly params: NextParams; readonly result: StreamOutcome };
  readonly "worker/close": { readonly towards: "worker"; readonly params: CloseParams; readonly result: CallOutcome };
  readonly "call/log": { readonly towards: "host"; readonly params: CallLog; readonly result: null };
  readonly "call/tool": { readonly towards: "host"; readonly params: ToolParams; readonly result: CallOutcome };
}
