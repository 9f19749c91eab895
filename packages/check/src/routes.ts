import { compileMatcher, type Matcher } from '@belfry/model';
import type { AlertRule, Route } from './documents.ts';

/** A route and all below it. */
export function allRoutes(route: Route): readonly Route[] {
  return [route, ...route.routes.flatMap(allRoutes)];
}

/** The matchers of a route and those it stands under: all must hold. */
export function conditionsOfRoute(route: Route): readonly Matcher[] {
  return route.parent ? [...conditionsOfRoute(route.parent), ...route.matchers] : route.matchers;
}

function matches(matcher: Matcher, value: string): boolean | undefined {
  try {
    return compileMatcher(matcher).matches(value);
  } catch {
    return undefined;
  }
}

/** Whether every alert that fulfils `narrow` surely fulfils `wide`. */
export function implies(narrow: readonly Matcher[], wide: readonly Matcher[]): boolean {
  return wide.every((w) =>
    narrow.some((n) => {
      if (n.name !== w.name) return false;
      if (n.op === w.op && n.value === w.value) return true;
      if (n.op === '=') return matches(w, n.value) === true;
      const values = n.op === '=~' ? alternatives(n.value) : undefined;
      return values?.every((v) => matches(w, v) === true);
    }),
  );
}

function alternatives(pattern: string): readonly string[] | undefined {
  const parts = pattern.replace(/^\((?:\?:)?(.*)\)$/, '$1').split('|');
  return parts.every((p) => /^[\w\s-]*$/.test(p)) ? parts : undefined;
}

/** Two matchers that exclude each other. */
export function contradiction(matchers: readonly Matcher[]): readonly [Matcher, Matcher] | undefined {
  for (const fixed of matchers) {
    if (fixed.op !== '=') continue;
    for (const other of matchers) {
      if (other !== fixed && other.name === fixed.name && matches(other, fixed.value) === false) return [fixed, other];
    }
  }
  return undefined;
}

/** Whether an alert may fulfil the matchers: `false` only when its own labels surely do not. */
export function mayMatch(alert: AlertRule, matchers: readonly Matcher[]): boolean {
  return matchers.every((matcher) => {
    if (matcher.name === 'alertname') return matches(matcher, alert.name) !== false;
    const own = alert.labels.get(matcher.name)?.value.text;
    return own === undefined || own.includes('{{') || matches(matcher, own) !== false;
  });
}
