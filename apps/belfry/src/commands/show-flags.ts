import pc from 'picocolors';
import type { Flag } from '../flags.ts';

/** Prints what `--help` of a command with another program's flags shows. */
export function showFlags(command: string, flags: readonly Flag[]): void {
  console.log(`Usage: ${command} [flags]\n`);
  for (const { name, kind, fallback, help, accepted } of flags) {
    const shown = kind === 'flag' ? `--${name}` : `--${name}=${fallback === '' ? `<${kind}>` : fallback}`;
    console.log(`  ${shown.padEnd(52)} ${accepted ? pc.dim(`accepted, without effect: ${help}`) : help}`);
  }
}
