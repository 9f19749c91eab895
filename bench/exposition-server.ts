/**
 * Targets to scrape, in a process of its own: `node exposition-server.ts TARGETS SERIES`. Prints its ports as JSON, and tells
 * at the control port how often each target was scraped.
 */
import { createServer, type RequestListener } from 'node:http';

const [targets, seriesPerTarget] = process.argv.slice(2).map(Number) as [number, number];
const hits = new Array<number>(targets).fill(0);
const BUCKETS = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'];

/** Everything of the page but the values. */
const lines = pageLines();

function pageLines(): string[] {
  const made: string[] = [];
  const header = (name: string, type: string) => `# HELP ${name} Something that is measured.\n# TYPE ${name} ${type}\n`;
  for (let family = 0; made.length < seriesPerTarget; family++) {
    const histogram = `bench_duration_${family}_seconds`;
    const counter = `bench_requests_${family}_total`;
    const gauge = `bench_size_${family}_bytes`;
    const group: string[] = [];
    for (const path of ['/a', '/b']) {
      for (const le of BUCKETS) group.push(`${histogram}_bucket{path="${path}",le="${le}"} `);
      group.push(`${histogram}_sum{path="${path}"} `, `${histogram}_count{path="${path}"} `);
    }
    group[0] = header(histogram, 'histogram') + group[0];
    for (let code = 0; code < 12; code++) {
      const head = code === 0 ? header(counter, 'counter') : '';
      group.push(`${head}${counter}{code="${200 + code}",method="${code % 2 ? 'GET' : 'POST'}"} `);
    }
    for (let pool = 0; pool < 10; pool++) {
      group.push(`${pool === 0 ? header(gauge, 'gauge') : ''}${gauge}{pool="pool-${pool}",zone="eu-${pool % 3}"} `);
    }
    made.push(...group);
  }
  return made.slice(0, seriesPerTarget);
}

const started = Date.now();

function render(target: number): string {
  const seconds = (Date.now() - started) / 1000;
  let page = '';
  for (let i = 0; i < lines.length; i++) {
    const value =
      i % 7 === 6 ? Math.round((seconds * (i + 1) + target) * 1000) / 1000 : Math.floor(seconds * (i + 1)) + target;
    page += `${lines[i]}${value}\n`;
  }
  return page;
}

const metrics =
  (target: number): RequestListener =>
  (_request, response) => {
    hits[target]++;
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(render(target));
  };

const ports = await Promise.all(hits.map((_, target) => listen(metrics(target))));
const control = await listen((_request, response) => response.end(JSON.stringify(hits)));
console.log(JSON.stringify({ ports, control }));

function listen(handler: RequestListener): Promise<number> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler);
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => done((server.address() as { port: number }).port));
  });
}
