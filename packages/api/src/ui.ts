import { join } from 'node:path';
import { BelfryError } from '@belfry/model';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { errorBody, readIfExists } from './http.ts';

/** Paths that are data or files, never a page: an unknown one is a 404 in JSON. */
const NO_PAGE = /^\/(api|-|assets|metrics|federate)(\/|$)/;

/**
 * Serves the built pages from `directory`, read anew at each request, so that a new build is served at once. Every path
 * that is no file is the single page, which routes by itself.
 */
export async function uiRoutes(app: FastifyInstance, directory: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: directory,
    index: 'index.html',
    suppressWarning: true,
    setHeaders: (reply, path) => {
      const immutable = path.includes('/assets/');
      reply.header('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0]!;
    if (request.method !== 'GET' || NO_PAGE.test(path)) {
      const known = new BelfryError('not_found', `nothing at ${request.method} ${path}`);
      return reply.status(404).send(errorBody(known));
    }
    const page = readIfExists(join(directory, 'index.html'));
    if (!page) {
      return reply.status(503).type('text/plain').send('The pages are not built yet: run `make build`.\n');
    }
    return reply.header('Cache-Control', 'no-cache').type('text/html; charset=utf-8').send(page);
  });
}
