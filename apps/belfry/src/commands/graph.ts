import { BelfryError } from '@belfry/model';
import { graphDot, graphText, metricGraph } from '../metric-graph.ts';
import { ownPackFiles } from '../packs.ts';
import { sourcesOf } from './check.ts';

/** Shows what stands on a metric, in the packs of this checkout or in what is named. */
export async function graph(
  metric: string,
  paths: readonly string[],
  options: { readonly format: string },
): Promise<void> {
  const found = metricGraph(await sourcesOf(paths.length > 0 ? paths : ownPackFiles()), metric);
  if (options.format === 'json') console.log(JSON.stringify(found, undefined, 2));
  else if (options.format === 'dot') process.stdout.write(graphDot(found));
  else if (options.format === 'text') process.stdout.write(graphText(found));
  else throw new BelfryError('usage', `--format is text, json or dot, not ${options.format}`);
}
