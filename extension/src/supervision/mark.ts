/**
 * The environment variable by which a process and all its descendants are known as ours, whatever group or session
 * they moved to: `<run>.<number>`, the host's run and the child's number in it.
 */
export const markVariable = "STAGELOOM_PROCESS";

export interface Mark {
  readonly run: string;
  readonly child: number;
}

export function formatMark({ run, child }: Mark): string {
  return `${run}.${child}`;
}

export function parseMark(text: string): Mark | null {
  const match = /^([0-9a-f]{16})\.(\d{1,9})$/.exec(text);
  const run = match?.[1];
  const child = match?.[2];
  return run === undefined || child === undefined ? null : { run, child: Number(child) };
}
