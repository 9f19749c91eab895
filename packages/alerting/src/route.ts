import { type Labels, labelsKeep, type Matcher } from '@belfry/model';
import {
  type AlertMatcher,
  compareMatchers,
  compileAlertMatchers,
  formatAlertMatchers,
  matchesAll,
} from './matchers.ts';

const DEFAULT_GROUP_WAIT_MS = 30_000;
const DEFAULT_GROUP_INTERVAL_MS = 5 * 60_000;
const DEFAULT_REPEAT_INTERVAL_MS = 4 * 3600_000;

/** One node of `route:` as configured; what is absent is inherited from the parent. */
export interface RouteConfig {
  readonly receiver?: string;
  /** `'...'` alone: group by all labels. */
  readonly groupBy?: readonly string[];
  /** From `match`, `match_re` and `matchers` together. */
  readonly matchers: readonly Matcher[];
  readonly continue: boolean;
  readonly routes: readonly RouteConfig[];
  readonly groupWaitMs?: number;
  readonly groupIntervalMs?: number;
  readonly repeatIntervalMs?: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
}

/** One node of the routing tree with everything inherited. */
export interface Route {
  readonly kind: 'route';
  readonly receiver: string;
  readonly matchers: readonly AlertMatcher[];
  /** Undefined: all labels. */
  readonly groupBy: ReadonlySet<string> | undefined;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly continue: boolean;
  readonly routes: readonly Route[];
  /** The matchers from the root down, `{}/{team="db"}`: the first part of a group key. */
  readonly key: string;
  /** Unique in the tree: the key with the position among siblings, `{}/{team="db"}/0`. */
  readonly id: string;
}

/** The tree with defaults and inheritance applied. Time intervals are not inherited. */
export function buildRoute(config: RouteConfig): Route {
  return buildNode(config, undefined, 0);
}

function buildNode(config: RouteConfig, parent: Route | undefined, index: number): Route {
  const sorted = [...config.matchers].sort(compareMatchers);
  const text = formatAlertMatchers(sorted);
  const groupBy =
    config.groupBy && config.groupBy.length > 0
      ? groupBySet(config.groupBy)
      : { set: parent ? parent.groupBy : new Set<string>() };
  const node = {
    kind: 'route' as const,
    receiver: config.receiver ?? parent?.receiver ?? '',
    matchers: compileAlertMatchers(sorted),
    groupBy: groupBy.set,
    groupWaitMs: config.groupWaitMs ?? parent?.groupWaitMs ?? DEFAULT_GROUP_WAIT_MS,
    groupIntervalMs: config.groupIntervalMs ?? parent?.groupIntervalMs ?? DEFAULT_GROUP_INTERVAL_MS,
    repeatIntervalMs: config.repeatIntervalMs ?? parent?.repeatIntervalMs ?? DEFAULT_REPEAT_INTERVAL_MS,
    muteTimeIntervals: config.muteTimeIntervals,
    activeTimeIntervals: config.activeTimeIntervals,
    continue: config.continue,
    key: parent ? `${parent.key}/${text}` : text,
    id: parent ? `${parent.id}/${text}/${index}` : text,
    routes: [] as readonly Route[],
  };
  return { ...node, routes: config.routes.map((child, i) => buildNode(child, node, i)) };
}

function groupBySet(names: readonly string[]): { set: ReadonlySet<string> | undefined } {
  return { set: names.includes('...') ? undefined : new Set(names) };
}

/**
 * The routes that an alert takes: the deepest matching ones, depth first; a matching sibling ends the search unless it
 * says `continue`; a node none of whose children match takes the alert itself.
 */
export function matchRoutes(route: Route, labels: Labels): Route[] {
  if (!matchesAll(route.matchers, labels)) return [];
  const found: Route[] = [];
  for (const child of route.routes) {
    const matches = matchRoutes(child, labels);
    found.push(...matches);
    if (matches.length > 0 && !child.continue) break;
  }
  return found.length > 0 ? found : [route];
}

export function groupLabelsOf(route: Route, labels: Labels): Labels {
  return route.groupBy ? labelsKeep(labels, route.groupBy) : labels;
}

/** Every node of the tree, parents first. */
export function* walkRoutes(route: Route): Generator<Route> {
  yield route;
  for (const child of route.routes) yield* walkRoutes(child);
}
