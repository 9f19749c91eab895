/** One panel with Grafana's builders: the looks of each kind. Place, title and queries are added by the caller. */
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as grafana from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as GaugeBuilder } from '@grafana/grafana-foundation-sdk/gauge';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Panel, Step } from './dashboard.ts';

export type PanelBuilder = BarGaugeBuilder | GaugeBuilder | StatBuilder | TableBuilder | TimeseriesBuilder;

export function panelBuilder(panel: Panel): PanelBuilder {
  const colors =
    panel.type === 'timeseries' ? grafana.FieldColorModeId.PaletteClassic : grafana.FieldColorModeId.Thresholds;
  const builder = bare(panel).unit(panel.unit).colorScheme(new grafana.FieldColorBuilder().mode(colors));
  if (panel.thresholds) builder.thresholds(thresholds(panel.thresholds));
  if (panel.min !== undefined) builder.min(panel.min);
  if (panel.max !== undefined) builder.max(panel.max);
  if (panel.decimals !== undefined) builder.decimals(panel.decimals);
  if (panel.words) builder.mappings([wordMapping(panel.words)]);
  return builder;
}

function bare(panel: Panel): PanelBuilder {
  switch (panel.type) {
    case 'timeseries':
      return timeseries(panel);
    case 'stat':
      return new StatBuilder()
        .reduceOptions(lastValue())
        .colorMode(panel.thresholds || panel.words ? common.BigValueColorMode.Value : common.BigValueColorMode.None)
        .graphMode(panel.words ? common.BigValueGraphMode.None : common.BigValueGraphMode.Area)
        .justifyMode(common.BigValueJustifyMode.Auto)
        .textMode(common.BigValueTextMode.Auto);
    case 'gauge':
      return new GaugeBuilder().reduceOptions(lastValue()).showThresholdMarkers(true);
    case 'bargauge':
      return new BarGaugeBuilder()
        .reduceOptions(lastValue())
        .orientation(common.VizOrientation.Horizontal)
        .displayMode(common.BarGaugeDisplayMode.Basic);
    case 'table':
      return table(panel);
  }
}

function timeseries(panel: Panel): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .lineWidth(1.5)
    .fillOpacity(panel.stacked ? 25 : 8)
    .showPoints(common.VisibilityMode.Never)
    .legend(
      new common.VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(common.LegendDisplayMode.List)
        .placement(common.LegendPlacement.Bottom),
    )
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .axisSoftMin(0);
  if (panel.stacked) builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group('A'));
  if (panel.showThresholds) {
    builder.thresholdsStyle(
      new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed),
    );
  }
  return builder;
}

/** Instant queries in table format: one row a label set, one column a label and one a query. */
function table(panel: Panel): TableBuilder {
  const builder = new TableBuilder().showHeader(true).cellHeight(common.TableCellHeight.Sm).filterable(true);
  if (panel.thresholds) builder.cellOptions({ type: common.TableCellDisplayMode.ColorText });
  if (panel.targets.length > 1) builder.withTransformation({ id: 'merge', options: {} });
  builder.withTransformation({ id: 'organize', options: columnOptions(panel) });
  return builder;
}

function columnOptions(panel: Panel) {
  const renameByName: Record<string, string> = {};
  const indexByName: Record<string, number> = {};
  const excludeByName: Record<string, boolean> = { Time: true, __name__: true };
  let index = 0;
  for (const [name, heading] of Object.entries(panel.columns ?? {})) {
    renameByName[name] = heading;
    indexByName[name] = index++;
  }
  const several = panel.targets.length > 1;
  panel.targets.forEach((target, i) => {
    const field = several ? `Value #${String.fromCharCode(65 + i)}` : 'Value';
    renameByName[field] = target.legend === '' ? 'Value' : target.legend;
    indexByName[field] = index++;
  });
  return { excludeByName, indexByName, renameByName };
}

function lastValue(): common.ReduceDataOptionsBuilder {
  return new common.ReduceDataOptionsBuilder().values(false).calcs(['lastNotNull']).fields('');
}

function thresholds(steps: readonly Step[]): grafana.ThresholdsConfigBuilder {
  return new grafana.ThresholdsConfigBuilder()
    .mode(grafana.ThresholdsMode.Absolute)
    .steps(steps.map(({ color, value }) => ({ color, value: value ?? null })));
}

function wordMapping(words: NonNullable<Panel['words']>): grafana.ValueMapping {
  return {
    type: grafana.MappingType.ValueToText,
    options: Object.fromEntries(
      Object.entries(words).map(([value, { text, color }], index) => [
        value,
        { text, index, ...(color ? { color } : {}) },
      ]),
    ),
  };
}
