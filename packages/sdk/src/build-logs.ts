/** Collectors of log files, JSON a line with `timestamp` and `level`, to Loki: Fluentd, Fluent Bit, Alloy. Promtail has ended; Alloy follows it. */
import type { GeneratedFile } from './build.ts';
import type { Pack } from './pack.ts';
import { GENERATED, yamlText } from './yaml-text.ts';

const folderOf = (job: string) => `/var/log/${job}/*.log`;

export function logFiles(packs: readonly Pack[]): readonly GeneratedFile[] {
  const jobs = [...new Set(packs.flatMap((p) => p.scrape.map((j) => j.job)))].sort();
  return [
    { path: 'logs/fluentd.conf', text: fluentd(jobs) },
    { path: 'logs/fluent-bit.yaml', text: fluentBit(jobs) },
    { path: 'logs/config.alloy', text: alloy(jobs) },
  ];
}

function fluentd(jobs: readonly string[]): string {
  const sources = jobs.map(
    (job) => `<source>
  @type tail
  path ${folderOf(job)}
  pos_file /var/log/fluentd/${job}.pos
  tag ${job}
  <parse>
    @type json
    time_key timestamp
    time_type string
    time_format %iso8601
    keep_time_key true
  </parse>
</source>
`,
  );
  return `# ${GENERATED}
# Needs fluent-plugin-grafana-loki.
${sources.join('\n')}
<filter **>
  @type record_transformer
  <record>
    job \${tag}
  </record>
</filter>

<match **>
  @type loki
  url "#{ENV['LOKI_URL'] || 'http://127.0.0.1:3100'}"
  line_format json
  <label>
    job
    level
  </label>
  <buffer>
    flush_interval 5s
    flush_at_shutdown true
  </buffer>
</match>
`;
}

function fluentBit(jobs: readonly string[]): string {
  const input = (job: string) => ({
    name: 'tail',
    path: folderOf(job),
    tag: job,
    parser: 'json-lines',
    db: `/var/log/fluent-bit-${job}.db`,
  });
  const output = (job: string) => ({
    name: 'loki',
    match: job,
    host: `\${LOKI_HOST}`,
    port: 3100,
    labels: `job=${job}`,
    label_keys: '$level',
    line_format: 'json',
  });
  const parser = {
    name: 'json-lines',
    format: 'json',
    time_key: 'timestamp',
    time_format: '%Y-%m-%dT%H:%M:%S.%L%z',
    time_keep: true,
  };
  const config = {
    env: { LOKI_HOST: '127.0.0.1' },
    service: { flush: 1 },
    parsers: [parser],
    pipeline: { inputs: jobs.map(input), outputs: jobs.map(output) },
  };
  return yamlText(config, [GENERATED, 'For Fluent Bit 3.2 or later.']);
}

function alloy(jobs: readonly string[]): string {
  const sources = jobs.map((job) => {
    const name = job.replace(/[^a-zA-Z0-9_]/g, '_');
    return `local.file_match "${name}" {
  path_targets = [{__path__ = "${folderOf(job)}", job = "${job}"}]
}

loki.source.file "${name}" {
  targets    = local.file_match.${name}.targets
  forward_to = [loki.process.lines.receiver]
}
`;
  });
  return `// ${GENERATED}
${sources.join('\n')}
loki.process "lines" {
  stage.json {
    expressions = {timestamp = "timestamp", level = "level"}
  }

  stage.timestamp {
    source = "timestamp"
    format = "RFC3339Nano"
  }

  stage.labels {
    values = {level = "level"}
  }

  forward_to = [loki.write.default.receiver]
}

loki.write "default" {
  endpoint {
    url = coalesce(sys.env("LOKI_URL"), "http://127.0.0.1:3100/loki/api/v1/push")
  }
}
`;
}
