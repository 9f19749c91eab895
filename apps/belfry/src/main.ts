import { readFileSync, realpathSync } from 'node:fs';
import { BelfryError, excerpt } from '@belfry/model';
import { createProgram } from './program.ts';

/** One line: what went wrong, where, and what can be done. Never a stack, unless the mistake is ours. */
function report(error: unknown): number {
  if (!(error instanceof BelfryError)) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`belfry: this is a mistake in Belfry; please report it:\n${detail}\n`);
    return 70;
  }
  process.stderr.write(`belfry: ${error.located}\n`);
  const source = error.file && error.range ? readSource(error.file) : undefined;
  if (source && error.range) process.stderr.write(`${excerpt(source, error.range)}\n`);
  if (error.hint && error.code !== 'usage') process.stderr.write(`hint: ${error.hint}\n`);
  return error.code === 'usage' ? 2 : 1;
}

function readSource(file: string): string | undefined {
  try {
    return readFileSync(realpathSync(file), 'utf8');
  } catch {
    return undefined;
  }
}

// A reader that goes away (`| head`) is no fault.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
