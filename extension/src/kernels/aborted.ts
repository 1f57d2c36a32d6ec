/** What `promise` comes to, or null as soon as `signal` is aborted. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T | null> {
  if (signal === undefined) return promise;
  if (signal.aborted) return null;
  const stop = new AbortController();
  const aborted = new Promise<null>((resolve) => {
    const options = { once: true, signal: stop.signal };
    signal.addEventListener(
      "abort",
      () => {
        resolve(null);
      },
      options,
    );
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop.abort();
  }
}
