/** Where panels stand: 24 columns, rows that collapse, panels that repeat for each value of a variable. */
import type { VariableValue } from './interpolate.ts';
import type { GridPos, Panel } from './model.ts';

export const GRID_COLUMNS = 24;

export interface PlacedPanel {
  readonly key: string;
  readonly panel: Panel;
  readonly pos: GridPos;
  /** The value this copy of a repeated panel stands for. */
  readonly scoped?: { readonly name: string; readonly value: string; readonly text: string };
}

export interface Section {
  readonly key: string;
  /** Undefined for panels before the first row. */
  readonly row: PlacedPanel | undefined;
  readonly collapsed: boolean;
  readonly panels: readonly PlacedPanel[];
}

/**
 * Sections in the order of the page. Within each, positions start at y = 0, so that a collapsed row takes no room.
 * `toggled` holds the keys of rows that were clicked: they are the other way round than the file says.
 */
export function sectionsOf(
  panels: readonly Panel[],
  variables: ReadonlyMap<string, VariableValue>,
  toggled: ReadonlySet<string>,
): readonly Section[] {
  const groups: { row: Panel | undefined; panels: Panel[] }[] = [{ row: undefined, panels: [] }];
  for (const panel of panels.toSorted((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x)) {
    if (panel.type === 'row') groups.push({ row: panel, panels: [...panel.panels] });
    else groups.at(-1)!.panels.push(panel);
  }
  return groups
    .filter((g) => g.row || g.panels.length > 0)
    .flatMap((g) => sectionCopies(g.row, g.panels, variables, toggled));
}

function sectionCopies(
  row: Panel | undefined,
  panels: readonly Panel[],
  variables: ReadonlyMap<string, VariableValue>,
  toggled: ReadonlySet<string>,
): readonly Section[] {
  const scopes = row?.repeat ? scopesOf(row.repeat, variables) : [undefined];
  return scopes.map((scoped) => {
    const key = `row-${row?.id ?? 0}${scoped ? `-${scoped.value}` : ''}`;
    const collapsed = row !== undefined && row.collapsed !== toggled.has(key);
    const placed = panels.flatMap((p) => copies(p, variables, scoped));
    return {
      key,
      row: row && { key, panel: row, pos: row.gridPos, ...(scoped ? { scoped } : {}) },
      collapsed,
      panels: collapsed ? [] : compact(placed),
    };
  });
}

function scopesOf(name: string, variables: ReadonlyMap<string, VariableValue>): readonly PlacedPanel['scoped'][] {
  const value = variables.get(name);
  if (!value || value.values.length === 0) return [undefined];
  return value.values.map((v, i) => ({ name, value: v, text: value.all ? v : (value.texts[i] ?? v) }));
}

/** A repeated panel once a value: beside each other, or below. */
function copies(
  panel: Panel,
  variables: ReadonlyMap<string, VariableValue>,
  outer: PlacedPanel['scoped'],
): readonly PlacedPanel[] {
  const prefix = outer ? `${outer.value}-` : '';
  if (!panel.repeat) {
    return [{ key: `${prefix}${panel.id}`, panel, pos: panel.gridPos, ...(outer ? { scoped: outer } : {}) }];
  }
  const scopes = scopesOf(panel.repeat, variables);
  const { x, y, w, h } = panel.gridPos;
  const perRow = Math.min(scopes.length, panel.maxPerRow);
  const width = Math.floor(GRID_COLUMNS / perRow);
  return scopes.map((scoped, i) => ({
    key: `${prefix}${panel.id}-${scoped?.value ?? ''}`,
    panel,
    pos:
      panel.repeatDirection === 'v'
        ? { x, y: y + i * h, w, h }
        : { x: (i % perRow) * width, y: y + Math.floor(i / perRow) * h, w: width, h },
    ...(scoped ? { scoped } : {}),
  }));
}

/** Pushes panels down past what they overlap, then up as far as they go; gravity as in Grafana's grid. */
export function compact(panels: readonly PlacedPanel[]): readonly PlacedPanel[] {
  /** The first free y of each column. */
  const heights = new Array<number>(GRID_COLUMNS).fill(0);
  return panels
    .toSorted((a, b) => a.pos.y - b.pos.y || a.pos.x - b.pos.x)
    .map((placed) => {
      const w = Math.min(Math.max(placed.pos.w, 1), GRID_COLUMNS);
      const x = Math.min(Math.max(placed.pos.x, 0), GRID_COLUMNS - w);
      const h = Math.max(placed.pos.h, 1);
      const y = Math.max(...heights.slice(x, x + w));
      heights.fill(y + h, x, x + w);
      return { ...placed, pos: { x, y, w, h } };
    });
}
