import type { Alert } from './alert.ts';
import { checkedDuration, type DurationText } from './duration-text.ts';

/** A failure that the pack is expected to notice: what is broken, and which alerts must say so by when. */
export interface Scenario {
  readonly kind: 'scenario';
  readonly name: string;
  /** What happens, in a sentence. */
  readonly story: string;
  /** Incidents to switch on, as the reference services name them; `stopped` ends the service. */
  readonly breaks: readonly { readonly service: string; readonly incident: string }[];
  readonly expects: readonly { readonly alert: Alert; readonly within: string }[];
  /** After the repair, all of them resolve within this. */
  readonly resolvesWithin: string;
}

export interface ScenarioOptions {
  readonly story: string;
  readonly breaks: readonly { readonly service: string; readonly incident: string }[];
  readonly expects: readonly { readonly alert: Alert; readonly within: DurationText }[];
  readonly resolvesWithin: DurationText;
}

/** @throws BelfryError `bad_data` for a duration that is none */
export function scenario(name: string, options: ScenarioOptions): Scenario {
  for (const { within, alert } of options.expects) checkedDuration(within, `scenario ${name}: ${alert.name} within`);
  checkedDuration(options.resolvesWithin, `scenario ${name}: resolvesWithin`);
  return Object.freeze({ kind: 'scenario', name, ...options });
}
