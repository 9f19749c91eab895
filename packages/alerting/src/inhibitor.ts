import { type Labels, labelValue, type Matcher } from '@belfry/model';
import { type Alert, isResolved } from './alert.ts';
import { fingerprintOf } from './fingerprint.ts';
import { type AlertMatcher, compileAlertMatchers, matchesAll } from './matchers.ts';

/** One of `inhibit_rules:`: while a source fires, targets with the same values of `equal` are not told. */
export interface InhibitRule {
  readonly name?: string;
  readonly sourceMatchers: readonly Matcher[];
  readonly targetMatchers: readonly Matcher[];
  readonly equal: readonly string[];
}

/** One rule's effect on an alert. */
interface Inhibition {
  /** Index in `inhibit_rules`. */
  readonly rule: number;
  readonly name?: string;
  /** Fingerprints of the firing source alerts. */
  readonly sources: readonly string[];
}

/** A rule whose target side matched an alert, and what came of it. */
export interface InhibitionVerdict extends Inhibition {
  readonly applied: boolean;
  readonly reason: string;
}

export interface Inhibitor {
  /** Takes note of an alert that may be a source. Call for every change of every alert. */
  observe(alert: Alert): void;
  /** The rules that inhibit an alert with these labels now; empty when none does. */
  inhibitions(labels: Labels, nowMs: number): Inhibition[];
  /** The same with the rules that were considered and did not apply, for people. */
  explain(labels: Labels, nowMs: number): InhibitionVerdict[];
  /** Forgets sources that are resolved. */
  collect(nowMs: number): void;
}

interface CompiledRule {
  readonly index: number;
  readonly rule: InhibitRule;
  readonly source: readonly AlertMatcher[];
  readonly target: readonly AlertMatcher[];
  /** Source alerts by the values of their `equal` labels, then by fingerprint. */
  readonly sources: Map<string, Map<string, Alert>>;
}

export function createInhibitor(rules: readonly InhibitRule[], alerts: Iterable<Alert> = []): Inhibitor {
  const compiled: CompiledRule[] = rules.map((rule, index) => ({
    index,
    rule,
    source: compileAlertMatchers(rule.sourceMatchers),
    target: compileAlertMatchers(rule.targetMatchers),
    sources: new Map(),
  }));
  const observe = (alert: Alert) => {
    for (const rule of compiled) {
      if (!matchesAll(rule.source, alert.labels)) continue;
      const key = equalKey(rule.rule, alert.labels);
      const same = rule.sources.get(key) ?? new Map<string, Alert>();
      same.set(alert.fingerprint, alert);
      rule.sources.set(key, same);
    }
  };
  for (const alert of alerts) observe(alert);
  return {
    observe,
    inhibitions(labels, nowMs) {
      const found: Inhibition[] = [];
      for (const rule of compiled) {
        // Most rules have no source firing: looked at first, because it is the cheapest question.
        if (rule.sources.size === 0 || !matchesAll(rule.target, labels)) continue;
        const { firing } = sourcesOf(rule, labels, nowMs);
        if (firing.length > 0) found.push(inhibition(rule, firing));
      }
      return found;
    },
    explain(labels, nowMs) {
      const verdicts: InhibitionVerdict[] = [];
      for (const rule of compiled) {
        if (!matchesAll(rule.target, labels)) continue;
        const { firing, reason } = sourcesOf(rule, labels, nowMs);
        verdicts.push({ ...inhibition(rule, firing), applied: firing.length > 0, reason });
      }
      return verdicts;
    },
    collect(nowMs) {
      for (const { sources } of compiled) {
        for (const [key, same] of sources) {
          for (const alert of same.values()) if (isResolved(alert, nowMs)) same.delete(alert.fingerprint);
          if (same.size === 0) sources.delete(key);
        }
      }
    },
  };
}

function inhibition({ index, rule }: CompiledRule, sources: readonly string[]): Inhibition {
  return { rule: index, ...(rule.name ? { name: rule.name } : {}), sources };
}

function equalKey(rule: InhibitRule, labels: Labels): string {
  return rule.equal.map((name) => labelValue(labels, name)).join('\xff');
}

function sourcesOf(rule: CompiledRule, labels: Labels, nowMs: number): { firing: string[]; reason: string } {
  const same = rule.sources.get(equalKey(rule.rule, labels));
  // An alert on both sides of a rule would inhibit itself, and two such each other.
  const twoSided = matchesAll(rule.source, labels);
  const firing: string[] = [];
  let reason =
    rule.sources.size === 0 ? 'no source alert' : `no source alert with the same ${rule.rule.equal.join(', ')}`;
  for (const alert of same?.values() ?? []) {
    if (isResolved(alert, nowMs)) reason = 'the source alert is resolved';
    else if (twoSided && matchesAll(rule.target, alert.labels)) {
      reason =
        alert.fingerprint === fingerprintOf(labels)
          ? 'an alert does not inhibit itself'
          : 'source and target both match both sides';
    } else firing.push(alert.fingerprint);
  }
  return { firing, reason: firing.length > 0 ? 'a source alert is firing' : reason };
}
