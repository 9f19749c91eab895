import { BelfryError, labelsKey, messageOf } from '@belfry/model';
import { queryEscape } from '@belfry/template';
import { needsSending, type RuleAlert } from './alert-state.ts';
import { evaluateAlerting } from './evaluate-alerting.ts';
import { evaluateRecording } from './evaluate-recording.ts';
import type { AlertingState, GroupState, RuleState, RuleWorld } from './rule-state.ts';
import { type SampleToWrite, writeSamples, writeStaleMarkers } from './write-samples.ts';

/**
 * Evaluates the rules of a group one after the other, all at the time `slotMs`, so that each sees what those before it
 * wrote. A rule that fails leaves the others alone. Never rejects.
 */
export async function evaluateGroup(group: GroupState, slotMs: number, world: RuleWorld): Promise<void> {
  const startMs = world.clock.now();
  const start = world.clock.monotonic();
  group.counters.iterations++;
  let samples = 0;
  for (const state of group.rules) {
    if (world.signal?.aborted) return;
    samples += await evaluateRule(state, group, slotMs, world);
  }
  group.counters.lastSamples = samples;
  await markStale(group, slotMs, world);
  group.evaluationMs = world.clock.monotonic() - start;
  group.lastEvaluationMs = startMs;
  group.lastSlotMs = slotMs;
}

/** @returns how many samples the rule gave */
async function evaluateRule(state: RuleState, group: GroupState, slotMs: number, world: RuleWorld): Promise<number> {
  const startMs = world.clock.now();
  const start = world.clock.monotonic();
  group.counters.evaluations++;
  let samples: readonly SampleToWrite[] = [];
  try {
    samples = await evaluate(state, group, slotMs, world);
    state.health = 'ok';
    state.lastError = '';
    if (state.kind === 'alerting') sendAlerts(state, group, slotMs, world);
    await write(state, samples, slotMs - group.queryOffsetMs, world);
  } catch (error) {
    failed(state, group, error, world);
  }
  state.evaluationMs = world.clock.monotonic() - start;
  state.lastEvaluationMs = startMs;
  return samples.length;
}

async function evaluate(
  state: RuleState,
  group: GroupState,
  slotMs: number,
  world: RuleWorld,
): Promise<readonly SampleToWrite[]> {
  if (state.kind === 'alerting') return evaluateAlerting(state, group, slotMs, world);
  const timeMs = slotMs - group.queryOffsetMs;
  return evaluateRecording(state.rule, timeMs, group.group.limit, world.query, world.signal);
}

function failed(state: RuleState, group: GroupState, error: unknown, world: RuleWorld): void {
  group.counters.evaluationFailures++;
  state.health = 'err';
  state.lastError = error instanceof BelfryError ? error.message : messageOf(error);
  // A cancelled query is the server stopping, or the group being replaced.
  if (world.signal?.aborted || (error instanceof BelfryError && error.code === 'query_canceled')) return;
  const { file, name } = group.group;
  world.log('evaluating a rule failed', { file, group: name, rule: state.rule.name, error: state.lastError });
}

async function write(
  state: RuleState,
  samples: readonly SampleToWrite[],
  timeMs: number,
  world: RuleWorld,
): Promise<void> {
  const written = new Map(samples.map(({ labels }) => [labelsKey(labels), labels]));
  const vanished = [...state.written].filter(([key]) => !written.has(key)).map(([, labels]) => labels);
  const refusal = await writeSamples(world.writer, timeMs, samples);
  state.written = written;
  await writeStaleMarkers(world.writer, timeMs, vanished);
  if (refusal) throw new Error(refusal);
}

async function markStale(group: GroupState, slotMs: number, world: RuleWorld): Promise<void> {
  if (group.staleSeries.length === 0) return;
  try {
    await writeStaleMarkers(world.writer, slotMs - group.queryOffsetMs, group.staleSeries);
    group.staleSeries = [];
  } catch (error) {
    world.log('ending the series of former rules failed', { group: group.group.name, error: messageOf(error) });
  }
}

/** Ends all series that a group wrote, when it is no more. */
export async function endGroupSeries(group: GroupState, slotMs: number, world: RuleWorld): Promise<void> {
  for (const state of group.rules) {
    group.staleSeries.push(...state.written.values());
    state.written = new Map();
  }
  await markStale(group, slotMs, world);
}

function sendAlerts(state: AlertingState, group: GroupState, slotMs: number, world: RuleWorld): void {
  const alerts: RuleAlert[] = [];
  for (const alert of state.active.values()) {
    if (!needsSending(alert, slotMs, world.resendDelayMs)) continue;
    alert.lastSentAtMs = slotMs;
    // Leaves room for missing some evaluations or deliveries before a receiver takes the alert for resolved.
    const SURVIVED_INTERVALS = 4;
    alert.validUntilMs = slotMs + SURVIVED_INTERVALS * Math.max(group.intervalMs, world.resendDelayMs);
    alerts.push({
      labels: alert.labels,
      annotations: alert.annotations,
      startsAtMs: alert.firedAtMs ?? alert.activeAtMs,
      endsAtMs: alert.resolvedAtMs ?? alert.validUntilMs,
      resolved: alert.resolvedAtMs !== undefined,
      generatorUrl: `${world.externalUrl()}/graph?g0.expr=${queryEscape(state.rule.query)}&g0.tab=1`,
      source: {
        file: group.group.file,
        group: group.group.name,
        alert: state.rule.name,
        query: state.rule.query,
        labels: alert.labels,
        value: alert.value,
        activeAtMs: alert.activeAtMs,
      },
    });
  }
  if (alerts.length > 0) world.notify(alerts);
}
