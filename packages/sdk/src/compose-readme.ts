import type { GeneratedFile } from './build.ts';
import type { Pack } from './pack.ts';
import { secretsOf } from './secrets.ts';
import type { Deployment } from './targets.ts';

/** How the composed stack is started, and what it needs first. */
export function readMe(packs: readonly Pack[], { traces, serviceHost }: Deployment): GeneratedFile {
  const secrets = secretsOf(packs);
  const files = secrets.map(({ name, meaning }) => `- \`secrets/${name}\`: ${meaning}`);
  const jobs = packs.flatMap((p) => p.scrape.map((j) => `${j.job} (${j.targets.join(', ')})`));
  const prepare =
    secrets.length > 0 ? `Before the first start, put each secret into a file:\n\n${files.join('\n')}\n\n` : '';
  const text = `# The monitoring of ${packs.map((p) => p.title).join(', ')}

${prepare}\`\`\`sh
export GRAFANA_ADMIN_PASSWORD=…
docker compose up -d --wait
\`\`\`

Grafana: http://127.0.0.1:3000, Prometheus: http://127.0.0.1:9090, Alertmanager: http://127.0.0.1:9093${
    traces === 'jaeger' ? ', Jaeger: http://127.0.0.1:16686' : ''
  }.
Services push traces and logs by OTLP to 127.0.0.1:4317 (gRPC) or 127.0.0.1:4318 (HTTP).

Scraped: ${jobs.join(', ')}. A service on this machine is reached as \`${serviceHost}\`, so it has to listen on an address
that containers can reach, not on 127.0.0.1 alone.
`;
  return { path: 'README.md', text };
}
