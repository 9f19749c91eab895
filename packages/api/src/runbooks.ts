import { join, normalize } from 'node:path';
import { BelfryError } from '@belfry/model';
import type { FastifyInstance } from 'fastify';
import { readIfExists } from './http.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Runbooks as Markdown: `GET /api/belfry/runbooks/<pack>/<name>`; the pages show them at `/runbooks/<pack>/<name>`. */
export async function runbookRoutes(app: FastifyInstance, directory: string): Promise<void> {
  app.get<{ Params: { pack: string; name: string } }>('/api/belfry/runbooks/:pack/:name', async (request, reply) => {
    const { pack, name } = request.params;
    const file =
      NAME.test(pack) && NAME.test(name) ? join(directory, normalize(pack), `${name.replace(/\.md$/, '')}.md`) : '';
    const text = file === '' ? undefined : readIfExists(file);
    if (!text) throw new BelfryError('not_found', `no runbook ${pack}/${name}`);
    return reply.type('text/markdown; charset=utf-8').send(text);
  });
}
