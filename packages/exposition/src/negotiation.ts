import { BelfryError } from '@belfry/model';
import type { ExpositionParser, ParserOptions } from './entry.ts';
import type { EscapingScheme } from './escaping.ts';
import { protobufParser } from './protobuf-parser.ts';
import { openMetricsParser, textParser } from './text-parser.ts';

/** The formats of expositions, by the names that configurations use. */
export type ExpositionProtocol =
  | 'PrometheusProto'
  | 'PrometheusText0.0.4'
  | 'PrometheusText1.0.0'
  | 'OpenMetricsText0.0.1'
  | 'OpenMetricsText1.0.0';

const MEDIA_TYPES: Readonly<Record<ExpositionProtocol, string>> = {
  PrometheusProto: 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
  'PrometheusText0.0.4': 'text/plain;version=0.0.4',
  'PrometheusText1.0.0': 'text/plain;version=1.0.0',
  'OpenMetricsText0.0.1': 'application/openmetrics-text;version=0.0.1',
  'OpenMetricsText1.0.0': 'application/openmetrics-text;version=1.0.0',
};

/** The `Accept` header that asks for these formats, most wanted first, with names escaped so. */
export function acceptHeader(protocols: readonly ExpositionProtocol[], escaping: EscapingScheme): string {
  let weight = Object.keys(MEDIA_TYPES).length + 1;
  const wanted = protocols.map((protocol) => {
    // Only the versions 1.0.0 know names that need escaping.
    const escaped = protocol === 'PrometheusText1.0.0' || protocol === 'OpenMetricsText1.0.0';
    return `${MEDIA_TYPES[protocol]}${escaped ? `;escaping=${escaping}` : ''};q=0.${weight--}`;
  });
  return [...wanted, `*/*;q=0.${weight}`].join(',');
}

export type ExpositionFormat = 'text' | 'openmetrics' | 'protobuf';

/**
 * The format that a `Content-Type` announces; where it says nothing known, that of the fallback.
 * @throws BelfryError `unsupported_media` without a fallback.
 */
export function formatOf(contentType: string | undefined, fallback?: ExpositionProtocol): ExpositionFormat {
  const media = (contentType ?? '').split(';', 1)[0]!.trim().toLowerCase();
  if (media === 'application/openmetrics-text') return 'openmetrics';
  if (media === 'application/vnd.google.protobuf') return 'protobuf';
  if (media === 'text/plain') return 'text';
  if (fallback)
    return fallback === 'PrometheusProto' ? 'protobuf' : fallback.startsWith('Open') ? 'openmetrics' : 'text';
  const message =
    media === ''
      ? 'non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target'
      : `received unsupported Content-Type ${JSON.stringify(contentType)} and no fallback_scrape_protocol specified for target`;
  throw new BelfryError('unsupported_media', message);
}

/** A parser for a body in that format. */
export function createParser(
  format: ExpositionFormat,
  bytes: Uint8Array,
  options: ParserOptions = {},
): ExpositionParser {
  if (format === 'protobuf') return protobufParser(bytes, options);
  return format === 'openmetrics' ? openMetricsParser(bytes, options) : textParser(bytes, options);
}

export interface NegotiatedFormat {
  readonly format: 'text' | 'openmetrics';
  readonly escaping: EscapingScheme;
  readonly contentType: string;
}

/** Which text form to answer a scrape with, for servers of metrics: ours, and federation. */
export function negotiateText(accept: string | undefined): NegotiatedFormat {
  const offers = (accept ?? '')
    .split(',')
    .map((part) => {
      const [media, ...parameters] = part.split(';').map((p) => p.trim());
      const named = new Map(parameters.map((p) => p.split('=', 2) as [string, string]));
      return { media: media!.toLowerCase(), named, q: Number(named.get('q') ?? 1) };
    })
    .filter((offer) => offer.q > 0)
    .sort((a, b) => b.q - a.q);
  for (const { media, named } of offers) {
    const version = named.get('version');
    const escaping = ESCAPINGS.find((e) => e === named.get('escaping')) ?? 'underscores';
    const escaped = version === '1.0.0' && named.has('escaping') ? `; escaping=${escaping}` : '';
    const charset = '; charset=utf-8';
    if (media === 'application/openmetrics-text' && (version === undefined || /^(0\.0\.1|1\.0\.0)$/.test(version))) {
      const contentType = `application/openmetrics-text; version=${version ?? '1.0.0'}${charset}${escaped}`;
      return { format: 'openmetrics', escaping, contentType };
    }
    if (
      (media === 'text/plain' || media === 'text/*') &&
      (version === undefined || /^(0\.0\.4|1\.0\.0)$/.test(version))
    ) {
      return { format: 'text', escaping, contentType: `text/plain; version=${version ?? '0.0.4'}${charset}${escaped}` };
    }
  }
  return { format: 'text', escaping: 'underscores', contentType: 'text/plain; version=0.0.4; charset=utf-8' };
}

const ESCAPINGS: readonly EscapingScheme[] = ['allow-utf-8', 'underscores', 'dots', 'values'];
