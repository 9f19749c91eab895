import { BelfryError, type Clock, EMPTY_LABELS, type Labels, type Timer, type Writer } from '@belfry/model';
import type { AlertTransition, RuleAlert } from './alert-state.ts';
import { type Evidence, evaluateParts, evidenceFor, type PartResult } from './explain.ts';
import { endGroupSeries } from './group.ts';
import { type GroupRunner, runGroup } from './group-runner.ts';
import type { RestoreLimits, RestoreSource } from './restore.ts';
import type { RuleFile } from './rule-file.ts';
import { copyGroupState, type GroupState, newGroupState, type RuleWorld, sameGroup } from './rule-state.ts';
import {
  type AlertsData,
  alertsView,
  groupKey,
  type RulesData,
  type RulesFilter,
  rulesView,
  sortedGroups,
} from './rules-view.ts';
import type { RuleQuery } from './sample.ts';

export interface RuleManagerOptions {
  readonly clock: Clock;
  readonly query: RuleQuery;
  readonly writer: Writer;
  /** Takes alerts that receivers are to hear of: firing, still firing, resolved. Must not block. */
  readonly notify: (alerts: readonly RuleAlert[]) => void;
  /** Told of every change of an alert's state, in order. */
  readonly onTransition?: (transition: AlertTransition) => void;
  /** Where alerts from before a restart are looked for; absent: they begin anew. */
  readonly restore?: RestoreSource;
  readonly log?: (message: string, details: Readonly<Record<string, unknown>>) => void;
  readonly limits?: Partial<RuleLimits>;
}

export interface RuleLimits extends RestoreLimits {
  /** A firing alert is told again after this long (`--rules.alert.resend-delay`). */
  readonly resendDelayMs: number;
}

/** Prometheus' defaults. */
export const DEFAULT_RULE_LIMITS: RuleLimits = {
  outageToleranceMs: 3600_000,
  forGracePeriodMs: 600_000,
  resendDelayMs: 60_000,
};

/** Moments of rules whose parts are remembered: changes come in bursts, of many alerts of one rule. */
const MAX_EXPLAINED = 8;

/** What a configuration says about rules. */
export interface RuleSettings {
  readonly files: readonly RuleFile[];
  /** `global.evaluation_interval`. */
  readonly intervalMs: number;
  /** `global.rule_query_offset`. */
  readonly queryOffsetMs?: number;
  readonly externalLabels?: Labels;
  /** Where users reach the server, without a slash at the end. */
  readonly externalUrl?: string;
}

/** Runs rule groups. Groups that a new configuration leaves as they are go on undisturbed. */
export interface RuleManager {
  /** Groups wait until then: the store must be readable first. */
  start(): void;
  /** Replaces the groups; state passes on to groups of the same file and name. Resolves when the new ones are in place. */
  update(settings: RuleSettings): Promise<void>;
  /** Cancels what is under way. */
  stop(): Promise<void>;
  /** Sorted by file and name. For reading only. */
  groups(): readonly GroupState[];
  /** The data of `/api/v1/rules`. @throws BelfryError `bad_data` */
  rules(filter?: RulesFilter): RulesData;
  /** The data of `/api/v1/alerts`. */
  alerts(): AlertsData;
  /**
   * What the parts of an alert's expression gave when it changed its state. Of the alerts of one rule that changed at one
   * moment, only the first costs queries.
   * @throws BelfryError `not_found` when the rule is no more
   */
  explain(transition: AlertTransition, signal?: AbortSignal): Promise<readonly Evidence[]>;
}

export function createRuleManager(options: RuleManagerOptions): RuleManager {
  const { clock } = options;
  const limits = { ...DEFAULT_RULE_LIMITS, ...options.limits };
  const stopping = new AbortController();
  let settings: RuleSettings = { files: [], intervalMs: 60_000 };
  let runners = new Map<string, GroupRunner>();
  let waiting = new Map<string, GroupState>();
  let started = false;
  let updated = false;
  const farewells = new Set<Timer>();
  const explained = new Map<string, Promise<readonly PartResult[]>>();

  const world: RuleWorld = {
    clock,
    query: options.query,
    writer: options.writer,
    notify: options.notify,
    onTransition: options.onTransition,
    externalLabels: () => settings.externalLabels ?? EMPTY_LABELS,
    externalUrl: () => settings.externalUrl ?? '',
    resendDelayMs: limits.resendDelayMs,
    log: options.log ?? (() => {}),
    signal: stopping.signal,
  };
  const run = (state: GroupState) => runGroup(state, { world, restore: options.restore, limits });

  const sayFarewell = (state: GroupState) => {
    const endedMs = clock.now();
    // A rule that only moved to another group has written again by then, and its series live on.
    const timer = clock.after(
      2 * state.intervalMs,
      () => {
        farewells.delete(timer);
        void endGroupSeries(state, endedMs, world);
      },
      { background: true },
    );
    farewells.add(timer);
  };

  const replace = async (fresh: ReadonlyMap<string, GroupState>): Promise<void> => {
    const kept = new Map<string, GroupRunner>();
    const begun = new Map<string, GroupState>();
    const before = runners;
    const work: Promise<void>[] = [];
    for (const [key, state] of fresh) {
      const old = before.get(key);
      if (old && sameGroup(old.state, state)) {
        kept.set(key, old);
        continue;
      }
      begun.set(key, state);
      if (old) work.push(old.stop().then(() => copyGroupState(state, old.state)));
    }
    for (const [key, old] of before) {
      if (!fresh.has(key)) work.push(old.stop().then(() => sayFarewell(old.state)));
    }
    await Promise.all(work);
    if (stopping.signal.aborted) return;
    for (const [key, state] of begun) kept.set(key, run(state));
    runners = kept;
  };

  let updating: Promise<void> = Promise.resolve();
  const states = () => (started ? [...runners.values()].map((r) => r.state) : [...waiting.values()]);

  return {
    start() {
      if (started || stopping.signal.aborted) return;
      started = true;
      runners = new Map([...waiting].map(([key, state]) => [key, run(state)]));
      waiting = new Map();
    },
    update(next) {
      updating = updating.then(async () => {
        if (stopping.signal.aborted) return;
        settings = next;
        // Only what was there when the server began can have been there before.
        const fresh = makeGroups(next, !(started && updated));
        updated = true;
        if (started) await replace(fresh);
        else waiting = fresh;
      });
      return updating;
    },
    async stop() {
      stopping.abort(new Error('the server is stopping'));
      for (const timer of farewells) timer.cancel();
      await updating;
      await Promise.all([...runners.values()].map((runner) => runner.stop()));
    },
    groups: () => sortedGroups(states()),
    rules: (filter = {}) => rulesView(states(), filter),
    alerts: () => alertsView(states()),
    async explain({ file, group, alert, query, labels, atMs }, signal) {
      const state = states().find((s) => s.group.file === file && s.group.name === group);
      const rule = state?.group.rules.find((r) => r.kind === 'alerting' && r.name === alert && r.query === query);
      if (!state || !rule) throw new BelfryError('not_found', `no alerting rule ${alert} in group ${group} of ${file}`);
      const key = [file, group, query, atMs].join('\xff');
      let parts = explained.get(key);
      if (!parts) {
        parts = evaluateParts(rule.expr, atMs - state.queryOffsetMs, options.query, signal);
        explained.set(key, parts);
        parts.catch(() => explained.delete(key));
        for (const old of [...explained.keys()].slice(0, -MAX_EXPLAINED)) explained.delete(old);
      }
      return evidenceFor(await parts, labels);
    },
  };
}

function makeGroups(settings: RuleSettings, shouldRestore: boolean): Map<string, GroupState> {
  const defaults = { intervalMs: settings.intervalMs, queryOffsetMs: settings.queryOffsetMs ?? 0 };
  const groups = new Map<string, GroupState>();
  for (const { groups: list } of settings.files) {
    for (const group of list) groups.set(groupKey(group), newGroupState(group, defaults, shouldRestore));
  }
  return groups;
}
