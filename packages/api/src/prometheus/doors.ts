import type { FastifyInstance, RouteHandlerMethod, RouteOptions } from 'fastify';

type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE' | 'PATCH';
const METHODS: readonly Method[] = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'];

type Route = Omit<RouteOptions, 'method'> & { readonly method: Method | Method[] };

/** Routes that answer the methods they name and no other: a HEAD of `/-/quit` must not quit. */
export interface Doors {
  get(url: string, handler: RouteHandlerMethod): void;
  post(url: string, options: Partial<RouteOptions>, handler: RouteHandlerMethod): void;
  delete(url: string, handler: RouteHandlerMethod): void;
  route(options: Route): void;
  /** After all routes: other methods of their paths are 405, and OPTIONS is answered with `optionsStatus`. */
  refuseOtherMethods(optionsStatus: 200 | 204): void;
}

export function openDoors(app: FastifyInstance): Doors {
  const taken = new Map<string, Method[]>();
  const route = (options: Route): void => {
    const { url, method } = options;
    taken.set(url, [...(taken.get(url) ?? []), ...(Array.isArray(method) ? method : [method])]);
    app.route({ ...options, exposeHeadRoute: false });
  };
  return {
    get: (url, handler) => route({ method: 'GET', url, handler }),
    post: (url, options, handler) => route({ ...options, method: 'POST', url, handler }),
    delete: (url, handler) => route({ method: 'DELETE', url, handler }),
    route,
    refuseOtherMethods(optionsStatus) {
      for (const [url, methods] of taken) refuseOthers(app, url, methods, optionsStatus);
    },
  };
}

function refuseOthers(app: FastifyInstance, url: string, methods: readonly Method[], optionsStatus: number): void {
  const allow = [...methods, 'OPTIONS'].sort().join(', ');
  app.route({
    method: METHODS.filter((method) => !methods.includes(method)),
    url,
    exposeHeadRoute: false,
    handler: (_request, reply) =>
      reply.status(405).header('Allow', allow).type('text/plain; charset=utf-8').send('Method Not Allowed\n'),
  });
  app.options(url, (_request, reply) => {
    if (optionsStatus === 200) void reply.header('Allow', allow);
    return reply.status(optionsStatus).send();
  });
}
