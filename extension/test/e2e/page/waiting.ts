/** How long a page object waits for what a user would wait for too: two busy cores are slow. */
export const patience = 60_000;

/** The first hit takes long: the workbench loads, then the extension host, then the extension. */
export const startPatience = 180_000;

/** Whether `condition` comes true in time; what it throws counts as not yet. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeout = patience,
): Promise<void> {
  const deadline = performance.now() + timeout;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Waited ${timeout} ms in vain: ${what}`, { cause: last });
}
