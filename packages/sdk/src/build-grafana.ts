import type * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import type { BuildSettings, GeneratedFile } from './build.ts';
import { type PanelBuilder, panelBuilder } from './build-panel.ts';
import { seriesNames } from './catalogue.ts';
import type { Dashboard, LabelVariable, Panel, Row, Target } from './dashboard.ts';
import type { Pack } from './pack.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const GRID_WIDTH = 24;
/** Numbers need less room than graphs. */
const MOST_NUMBERS_BESIDE = 6;
const MOST_GRAPHS_BESIDE = 3;
const HEADING_HEIGHT = 1;
const RESCAN_DASHBOARDS_S = 10;

/** `more`: data sources beside Prometheus and Alertmanager, as provisioning files have them. */
export function grafanaFiles(
  packs: readonly Pack[],
  settings: BuildSettings,
  more: readonly Readonly<Record<string, unknown>>[] = [],
): readonly GeneratedFile[] {
  const dashboards = packs.flatMap((p) =>
    p.dashboards.map((d) => ({ path: `grafana/dashboards/${d.uid}.json`, text: dashboardText(d, settings) })),
  );
  const exact = packs.flatMap((p) =>
    p.dashboardsJson.map((d) => ({
      path: `grafana/dashboards/${d.uid}.json`,
      text: `${JSON.stringify({ ...d.model, uid: d.uid }, undefined, 2)}\n`,
    })),
  );
  return [...dashboards, ...exact, datasourceProvisioning(settings, more), dashboardProvisioning(settings)];
}

function dashboardText(dashboard: Dashboard, settings: BuildSettings): string {
  return `${JSON.stringify(dashboardJson(dashboard, settings), undefined, 2)}\n`;
}

/** The JSON model of a dashboard, as Grafana's own builders make it. */
function dashboardJson(dashboard: Dashboard, settings: Pick<BuildSettings, 'datasourceUid'>): grafana.Dashboard {
  const datasource = { type: 'prometheus', uid: settings.datasourceUid };
  const builder = new grafana.DashboardBuilder(dashboard.title)
    .uid(dashboard.uid)
    .description(dashboard.description)
    .tags([...dashboard.tags])
    .refresh(dashboard.refresh)
    .time({ from: dashboard.from, to: 'now' })
    .timezone('browser')
    .tooltip(grafana.DashboardCursorSync.Crosshair);
  for (const variable of dashboard.variables) builder.withVariable(variableBuilder(variable, datasource));
  place(builder, dashboard.rows, datasource);
  return builder.build();
}

function place(builder: grafana.DashboardBuilder, rows: readonly Row[], datasource: common.DataSourceRef): void {
  let y = 0;
  let id = 1;
  for (const row of rows) {
    if (row.title !== '') {
      const heading = { x: 0, y, w: GRID_WIDTH, h: HEADING_HEIGHT };
      builder.withRow(new grafana.RowBuilder(row.title).id(id++).gridPos(heading));
      y += HEADING_HEIGHT;
    }
    let x = 0;
    const usual = usualWidth(row.panels);
    for (const panel of row.panels) {
      const w = panel.width ?? usual;
      if (x + w > GRID_WIDTH) {
        x = 0;
        y += row.height;
      }
      const made = panelBuilder(panel).id(id++).title(panel.title).datasource(datasource);
      made.gridPos({ x, y, w, h: row.height });
      if (panel.description) made.description(panel.description);
      addTargets(made, panel, datasource);
      builder.withPanel(made);
      x += w;
    }
    y += row.height;
  }
}

/** The line shared equally: numbers up to six beside each other, graphs up to three, four of them in two lines. */
function usualWidth(panels: readonly Panel[]): number {
  const numbers = panels.every((p) => p.type === 'stat' || p.type === 'gauge');
  const most = numbers ? MOST_NUMBERS_BESIDE : MOST_GRAPHS_BESIDE;
  const lines = Math.ceil(panels.length / most);
  return Math.floor(GRID_WIDTH / Math.ceil(panels.length / lines));
}

function addTargets(builder: PanelBuilder, panel: Panel, datasource: common.DataSourceRef): void {
  panel.targets.forEach((target, i) => {
    builder.withTarget(targetBuilder(target, panel, refId(i)).datasource(datasource));
  });
}

function targetBuilder(target: Target, panel: Panel, ref: string): DataqueryBuilder {
  const query = new DataqueryBuilder().expr(target.query.text).refId(ref);
  if (panel.type === 'table') return query.instant().format(PromQueryFormat.Table);
  return query.range().legendFormat(target.legend === '' ? '__auto' : target.legend);
}

/** A, B, … Z, AA, AB, … */
function refId(i: number): string {
  const letter = String.fromCharCode(65 + (i % 26));
  return i < 26 ? letter : refId(Math.floor(i / 26) - 1) + letter;
}

function variableBuilder(variable: LabelVariable, datasource: common.DataSourceRef): grafana.QueryVariableBuilder {
  const query = `label_values(${seriesNames(variable.metric).at(-1)}, ${variable.label})`;
  return new grafana.QueryVariableBuilder(variable.name)
    .label(variable.title)
    .datasource(datasource)
    .query({ query, refId: 'PrometheusVariableQueryEditor-VariableQuery' })
    .definition(query)
    .refresh(grafana.VariableRefresh.OnTimeRangeChanged)
    .sort(grafana.VariableSort.AlphabeticalAsc)
    .multi(variable.multi)
    .includeAll(true)
    .allValue(variable.all)
    .current({ selected: true, text: 'All', value: '$__all' });
}

function datasourceProvisioning(
  settings: BuildSettings,
  more: readonly Readonly<Record<string, unknown>>[],
): GeneratedFile {
  const config = {
    apiVersion: 1,
    datasources: [
      {
        name: 'Prometheus',
        type: 'prometheus',
        uid: settings.datasourceUid,
        access: 'proxy',
        url: settings.prometheusUrl,
        isDefault: true,
        jsonData: { httpMethod: 'POST', timeInterval: '15s' },
      },
      {
        name: 'Alertmanager',
        type: 'alertmanager',
        uid: 'alertmanager',
        access: 'proxy',
        url: `http://${settings.alertmanager}`,
        jsonData: { implementation: 'prometheus', handleGrafanaManagedAlerts: false },
      },
      ...more,
    ],
  };
  return { path: 'grafana/provisioning/datasources/belfry.yml', text: yamlText(config, [GENERATED]) };
}

function dashboardProvisioning(settings: BuildSettings): GeneratedFile {
  const config = {
    apiVersion: 1,
    providers: [
      {
        name: 'belfry',
        type: 'file',
        folder: 'Belfry',
        allowUiUpdates: false,
        updateIntervalSeconds: RESCAN_DASHBOARDS_S,
        options: { path: settings.dashboardsPath },
      },
    ],
  };
  return { path: 'grafana/provisioning/dashboards/belfry.yml', text: yamlText(config, [GENERATED]) };
}
