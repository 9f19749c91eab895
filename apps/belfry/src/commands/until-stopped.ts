/** Resolves at SIGINT, SIGTERM, or when `quit` does. A second signal ends the process at once. */
export function untilStopped(quit: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const stop = () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    void quit.then(stop);
  });
}
