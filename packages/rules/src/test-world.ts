/** A small world for tests: queries answered from a table, everything written kept. */
import {
  isStaleNaN,
  type Labels,
  labelsFrom,
  labelsKey,
  labelValue,
  type Matcher,
  VirtualClock,
  type Writer,
} from '@belfry/model';
import type { RawSeries } from '@belfry/promql';
import type { AlertTransition, RuleAlert, RuleQuery, RuleSettings, VectorSample } from './index.ts';
import { loadRuleFile } from './index.ts';

export interface TestWorld {
  readonly clock: VirtualClock;
  /** By expression: what it gives at a time. */
  readonly answers: Map<string, (timeMs: number) => readonly VectorSample[] | Promise<readonly VectorSample[]>>;
  readonly query: RuleQuery;
  readonly writer: Writer;
  readonly sent: { atMs: number; alerts: readonly RuleAlert[] }[];
  readonly transitions: AlertTransition[];
  readonly logged: string[];
  readonly asked: { expr: string; timeMs: number }[];
  /** `name{labels} time=value …` of all series of a name; markers of the end as `stale`. */
  written(name: string): string[];
  restore(matchers: readonly Matcher[], afterMs: number, untilMs: number): Promise<readonly RawSeries[]>;
}

interface Written {
  readonly labels: Labels;
  readonly samples: [timeMs: number, value: number][];
}

export function testWorld(startMs = 0): TestWorld {
  const clock = new VirtualClock(startMs);
  const answers: TestWorld['answers'] = new Map();
  const series = new Map<string, Written>();
  const world: TestWorld = {
    clock,
    answers,
    asked: [],
    sent: [],
    transitions: [],
    logged: [],
    query: async (expr, timeMs) => {
      world.asked.push({ expr, timeMs });
      const answer = answers.get(expr);
      return answer ? answer(timeMs) : [];
    },
    writer: {
      write: async (batch) => {
        for (let i = 0; i < batch.series.length; i++) {
          const labels = batch.labels[batch.series[i]!]!;
          const key = labelsKey(labels);
          const entry = series.get(key) ?? { labels, samples: [] };
          series.set(key, entry);
          entry.samples.push([batch.timestamps[i]!, batch.values[i]!]);
        }
        return { samples: batch.series.length, histograms: 0, exemplars: 0, refused: [] };
      },
    },
    written(name) {
      return [...series.values()]
        .filter(({ labels }) => labelValue(labels, '__name__') === name)
        .map(({ labels, samples }) => {
          const own = [];
          for (let i = 0; i < labels.length; i += 2) {
            if (labels[i] !== '__name__') own.push(`${labels[i]}=${labels[i + 1]}`);
          }
          const points = samples.map(([t, v]) => `${(t - startMs) / 1000}=${isStaleNaN(v) ? 'stale' : v}`);
          return `{${own.join(',')}} ${points.join(' ')}`;
        });
    },
    async restore(matchers, afterMs, untilMs) {
      const found: RawSeries[] = [];
      for (const { labels, samples } of series.values()) {
        if (!matchers.every((m) => labelValue(labels, m.name) === m.value)) continue;
        const inside = samples.filter(([t]) => t > afterMs && t <= untilMs);
        if (inside.length === 0) continue;
        found.push({
          labels,
          timestamps: Float64Array.from(inside, ([t]) => t),
          values: Float64Array.from(inside, ([, v]) => v),
        });
      }
      return found;
    },
  };
  return world;
}

export function settingsOf(text: string, more: Partial<RuleSettings> = {}): RuleSettings {
  return {
    files: [loadRuleFile(text, 'r.yml')],
    intervalMs: 60_000,
    externalUrl: 'http://belfry',
    externalLabels: labelsFrom({ region: 'eu' }),
    ...more,
  };
}

export function sample(labels: Record<string, string>, value: number): VectorSample {
  return { labels: labelsFrom(labels), value };
}
