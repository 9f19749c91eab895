/** Prints the ratios; writes docs/benchmarks.md and the baseline. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Measurement, type QueryTiming, type Results, ratioOf, reached } from './results.ts';
import { KINDS } from './servers.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGE = join(ROOT, 'docs/benchmarks.md');
const baselineFile = (size: string) => join(import.meta.dirname, `baseline-${size}.json`);

export function printMeasurement(m: Measurement): void {
  const [belfry, victoria] = [ratioOf(m, 'belfry'), ratioOf(m, 'victoria')];
  const verdict = { true: 'reached', false: 'MISSED', undefined: '' }[String(reached(m))];
  const values = KINDS.map((kind) => `${kind} ${number(m.values[kind])}`).join(', ');
  console.log(
    `  ${m.title}: ${number(belfry)} × Prometheus (VictoriaMetrics ${number(victoria)}) ${targetText(m)} ${verdict}\n` +
      `      ${values} ${m.unit}${m.note ? `; ${m.note}` : ''}`,
  );
}

/** Keeps the numbers as the baseline of this size and draws the page anew from all baselines there are. */
export function writeReport(results: Results): void {
  writeFileSync(baselineFile(results.size), `${JSON.stringify(rounded(results), null, 2)}\n`);
  const all = ['small', 'large']
    .map(baselineFile)
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Results);
  writeFileSync(PAGE, page(all));
  console.log(`written: ${PAGE}`);
}

/** Four digits are more than the noise allows. */
function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? value : Number(value.toPrecision(4));
  if (Array.isArray(value)) return value.map(rounded);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, rounded(v)]));
}

function number(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(value < 10 ? 2 : 3)));
}

function targetText({ target }: Measurement): string {
  if (!target) return '';
  const { atMost, atLeast } = target;
  if (target.absolute && atMost === 0) return 'none';
  return atMost !== undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
}

function page(all: readonly Results[]): string {
  return `# Benchmarks

<!-- Made by bench/run.ts. Do not edit: run it. -->

Belfry beside Prometheus and VictoriaMetrics, in one run, on one machine. What counts are the ratios to Prometheus in the
same run; the numbers themselves belong to the machine. Targets that are missed are shown as missed.

${METHOD}
${all.map(sizeSection).join('\n')}`;
}

const METHOD = `## Method

- Each server is a process of its own on loopback, with its default settings; VictoriaMetrics without its response cache
  and without its latency offset, since no query is asked twice in a real benchmark of the engine.
- CPU seconds and memory are the kernel's (\`/proc/<pid>/stat\` and \`status\`), threads and children included; peaks are
  reset before each part. VictoriaMetrics' rules run in \`vmalert\`, which is counted in.
- The data is made from a seed: nodes, HTTP and gRPC services, and workers with counters, gauges and histograms as real
  exporters have them, every 15 s with jittered timestamps. It is loaded by remote write 1.0 by four senders, 2,000 samples
  a request; settled means under 4 % of a core for 3 s. Afterwards every server is stopped and started again.
- 25 dashboard and rule queries (\`bench/queries.ts\`), over 1 h at a step of 15 s, over the whole range at 60 s, and at one
  moment. Each goes to every server in turn, several times, a second earlier each time, without compression of the answer;
  the first time does not count. The time is the client's, from the request to the last byte. A ratio is that of two p50s.
- Answers of Belfry and Prometheus are compared: the same series, the same times, values within 1e-9.
- Bytes on disk: the blocks of a snapshot, index included; VictoriaMetrics' data directory after a forced merge.

## To repeat it

On Linux, with \`apt-get install prometheus victoria-metrics\`, and with nothing else running:

\`\`\`sh
make install
node_modules/.bin/node bench/run.ts                  # under ten minutes
node_modules/.bin/node bench/run.ts --size large
node_modules/.bin/node bench/run.ts --only queries   # one part; nothing is written
\`\`\`

The numbers below are in \`bench/baseline-small.json\` and \`bench/baseline-large.json\`.
`;

function sizeSection(r: Results): string {
  const { machine, dataset, versions } = r;
  const lines = r.measurements.map((m) => {
    const verdict = { true: 'reached', false: '**missed**', undefined: '' }[String(reached(m))];
    const values = KINDS.map((kind) => number(m.values[kind])).join(' | ');
    const title = `${m.title}${m.note ? ` (${m.note})` : ''}`;
    return `| ${title} | ${m.unit} | ${values} | ${number(ratioOf(m, 'belfry'))} | ${number(ratioOf(m, 'victoria'))} | ${targetText(m)} | ${verdict} |`;
  });
  return `## ${r.size === 'small' ? 'Small' : 'Large'}: ${dataset.series.toLocaleString('en')} series × ${dataset.hours} h, ${dataset.samples.toLocaleString('en')} samples

${r.date.slice(0, 16).replace('T', ' ')} UTC; ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}; load before: ${number(r.loadBefore)}.
${versions.belfry}; ${versions.prometheus}; ${versions.victoria}.

| what | unit | Belfry | Prometheus | VictoriaMetrics | Belfry ÷ Prometheus | VictoriaMetrics ÷ Prometheus | target | |
|---|---|--:|--:|--:|--:|--:|---|---|
${lines.join('\n')}

${differencesText(r)}

### Each query, p50 in ms

| query | kind | Belfry | Prometheus | VictoriaMetrics | Belfry ÷ Prometheus |
|---|---|--:|--:|--:|--:|
${r.queries.map(queryLine).join('\n')}
`;
}

function differencesText({ differences, queries }: Results): string {
  if (differences.length === 0) return `Of ${queries.length} answers, none of Belfry's differs from Prometheus'.`;
  const lines = differences.map(({ call, expr, what }) => `- ${call}: \`${expr}\`: ${what}`);
  return `Answers that differ from Prometheus' (of ${queries.length}):\n\n${lines.join('\n')}`;
}

function queryLine({ name, kind, p50Ms }: QueryTiming): string {
  const values = KINDS.map((k) => number(p50Ms[k])).join(' | ');
  return `| ${name} | ${kind} | ${values} | ${number(p50Ms.belfry! / p50Ms.prometheus!)} |`;
}
