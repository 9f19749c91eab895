/**
 * Writes the documents that are made from code: flags, commands, errors. With `--check`, writes nothing and fails when a
 * committed one is not what the code says.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { ALERTMANAGER_FLAGS, type Flag, SERVE_FLAGS } from '../apps/belfry/src/flags.ts';
import { createProgram } from '../apps/belfry/src/program.ts';
import { ERRORS } from '../packages/model/src/errors.ts';

const root = resolve(import.meta.dirname, '..');
const NOTICE = '<!-- Made by tools/docs.ts from the code. Do not edit: run `node tools/docs.ts`. -->';

const cell = (text: string) => text.replace(/\|/g, '\\|');

function flagTable(flags: readonly Flag[]): string {
  const rows = flags.map(({ name, kind, fallback, help, accepted }) => {
    const shown = fallback === '' ? '' : `\`${fallback}\``;
    return `| \`--${name}\` | ${kind} | ${shown} | ${accepted ? 'Accepted, without effect: ' : ''}${cell(help)} |`;
  });
  return ['| flag | kind | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function flagsPage(): string {
  return `# Flags
${NOTICE}

Flags carry the names of Prometheus and Alertmanager where the meaning is the same. \`--name=value\`, \`--name value\`;
a list may be given several times or with commas.

## belfry serve

${flagTable(SERVE_FLAGS)}

## belfry alertmanager

${flagTable(ALERTMANAGER_FLAGS)}
`;
}

function commandsPage(): string {
  const sections: string[] = [];
  const add = (command: Command, path: string) => {
    for (const sub of command.commands) {
      const name = `${path} ${sub.name()}`;
      const usage = [name, ...sub.registeredArguments.map((a) => (a.required ? `<${a.name()}>` : `[${a.name()}]`))];
      const options = sub.options.map(
        (o) => `| \`${cell(o.flags)}\` | ${cell(o.description)} | ${defaultOf(o.defaultValue)} |`,
      );
      const table =
        options.length > 0 ? `\n\n| option | meaning | default |\n|---|---|---|\n${options.join('\n')}` : '';
      sections.push(`## ${name}\n\n${sub.description()}\n\n    ${usage.join(' ')}${table}`);
      add(sub, name);
    }
  };
  add(createProgram() as unknown as Command, 'belfry');
  return `# Commands\n${NOTICE}\n\n${sections.join('\n\n')}\n`;
}

function defaultOf(value: unknown): string {
  return value === undefined || value === true || value === '' ? '' : `\`${String(value)}\``;
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, { status, hint }]) => `| \`${code}\` | ${status} | ${cell(hint)} |`);
  return `# Errors
${NOTICE}

What can go wrong for reasons outside of Belfry, the HTTP status it has, and what to do about it.

| code | status | what to do |
|---|---|---|
${rows.join('\n')}
`;
}

const pages: Readonly<Record<string, string>> = {
  'docs/flags.md': flagsPage(),
  'docs/commands.md': commandsPage(),
  'docs/errors.md': errorsPage(),
};

const check = process.argv.includes('--check');
for (const [path, text] of Object.entries(pages)) {
  const file = join(root, path);
  if (!check) writeFileSync(file, text);
  else if (readIfThere(file) !== text) {
    console.error(`${path} is stale: run \`node tools/docs.ts\``);
    process.exitCode = 1;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
