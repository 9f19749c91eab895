/** Connect's protocol for unary calls with JSON (https://connectrpc.com/docs/protocol): paths, errors and field names. */
import { messageOf } from '@belfry/model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const STATUS = {
  canceled: 499,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  aborted: 409,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  unauthenticated: 401,
} as const;

export type ConnectCode = keyof typeof STATUS;

/** A call answered with an error: `{"code", "message"}` and the HTTP status that belongs to the code. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return STATUS[this.code];
  }
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };
export type JsonObject = { readonly [key: string]: Json | undefined };

export interface Call {
  /** Full path: `/vmprovisioner.v1.VmService/CreateVm`. */
  readonly path: string;
  /** `CreateVm`. */
  readonly method: string;
  readonly header: (name: string) => string | undefined;
}

/** Answers a call, or throws {@link ConnectFailure}; anything else thrown becomes `internal`. */
export type Procedure = (request: JsonObject, call: Call) => Promise<JsonObject> | JsonObject;

/** Told about every call of a known procedure when it ended; `code` is `ok` or the error's. */
export interface CallObserver {
  began(call: Call): void;
  ended(call: Call, code: 'ok' | ConnectCode): void;
}

/** Fields whose keys are data rather than names. */
const MAPS = new Set(['metadata', 'options', 'bootOptions', 'features', 'labels']);

/** Levels of messages within messages, as protobuf's own readers have it. */
const MAX_DEPTH = 100;

/** Serves `procedures` as `POST /<service>/<method>`. */
export function mountConnect(
  app: FastifyInstance,
  service: string,
  procedures: Readonly<Record<string, Procedure>>,
  observer: CallObserver,
): void {
  for (const [method, procedure] of Object.entries(procedures)) {
    const path = `/${service}/${method}`;
    app.post(path, async (request, reply) => {
      const call: Call = { path, method, header: (name) => firstHeader(request, name) };
      observer.began(call);
      let code: 'ok' | ConnectCode = 'internal';
      try {
        const answer = await procedure(readMessage(request), call);
        code = 'ok';
        return answer;
      } catch (error) {
        const failure = asFailure(error);
        code = failure.code;
        if (!(error instanceof ConnectFailure)) request.log.error({ err: messageOf(error), path }, 'call failed');
        return sendFailure(reply, failure);
      } finally {
        observer.ended(call, code);
      }
    });
    app.route({
      method: ['GET', 'PUT', 'DELETE', 'PATCH'],
      url: path,
      handler: (_, reply) =>
        reply
          .code(405)
          .header('allow', 'POST')
          .send({ code: 'unimplemented', message: `${path} is called with POST` }),
    });
  }
  app.all(`/${service}/*`, (request, reply) => {
    const known = Object.keys(procedures).join(', ');
    return sendFailure(
      reply,
      new ConnectFailure('unimplemented', `${request.url} is not a method of ${service}; it has ${known}`),
    );
  });
}

/** Malformed bodies, wrong content types and everything else that Fastify refuses by itself, as Connect errors. */
export function connectErrors(app: FastifyInstance, refused: (path: string, code: ConnectCode) => void): void {
  app.setErrorHandler((error: { statusCode?: number; message: string }, request, reply) => {
    const status = error.statusCode ?? 500;
    const code: ConnectCode = status === 413 ? 'resource_exhausted' : status < 500 ? 'invalid_argument' : 'internal';
    refused(request.routeOptions.url ?? request.url, code);
    return reply.code(status).send({ code, message: error.message });
  });
  app.setNotFoundHandler((request, reply) =>
    sendFailure(reply, new ConnectFailure('not_found', `${request.method} ${request.url} is not served here`)),
  );
}

function sendFailure(reply: FastifyReply, failure: ConnectFailure): FastifyReply {
  return reply.code(failure.status).send({ code: failure.code, message: failure.message });
}

function asFailure(error: unknown): ConnectFailure {
  return error instanceof ConnectFailure ? error : new ConnectFailure('internal', 'internal error');
}

function firstHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}

function readMessage(request: FastifyRequest): JsonObject {
  const body = (request.body ?? {}) as Json;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ConnectFailure('invalid_argument', 'the body must be a JSON object');
  }
  return camelKeys(body) as JsonObject;
}

/** Field names may come as `vcpu_count` or `vcpuCount`; both mean the same. @throws ConnectFailure `invalid_argument` when too deep */
export function camelKeys(value: Json, depth = 0): Json {
  if (depth > MAX_DEPTH)
    throw new ConnectFailure('invalid_argument', `the message is nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) return value.map((v) => camelKeys(v as Json, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, Json | undefined> = {};
  for (const [key, inner] of Object.entries(value)) {
    const name = key.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
    out[name] = inner === undefined || MAPS.has(name) ? inner : camelKeys(inner, depth + 1);
  }
  return out;
}

/** A message field, or nothing. @throws ConnectFailure `invalid_argument` when it is not an object */
export function messageField(of: JsonObject, name: string, at = name): JsonObject | undefined {
  const value = of[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value))
    throw new ConnectFailure('invalid_argument', `${at} must be an object`);
  return value as JsonObject;
}

/** A repeated message field. @throws ConnectFailure `invalid_argument` when it is not a list of objects */
export function listField(of: JsonObject, name: string, at = name): readonly JsonObject[] {
  const value = of[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((v) => typeof v !== 'object' || v === null || Array.isArray(v))) {
    throw new ConnectFailure('invalid_argument', `${at} must be a list of objects`);
  }
  return value as readonly JsonObject[];
}

/** A text field, `''` when absent. @throws ConnectFailure `invalid_argument` */
export function textField(of: JsonObject, name: string, at = name): string {
  const value = of[name];
  if (value === undefined || value === null) return '';
  if (typeof value !== 'string') throw new ConnectFailure('invalid_argument', `${at} must be text`);
  return value;
}

/** A whole number, given as number or, as int64 is in JSON, as text; 0 when absent. @throws ConnectFailure `invalid_argument` */
export function integerField(of: JsonObject, name: string, at = name): number {
  const value = of[name];
  if (value === undefined || value === null) return 0;
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw new ConnectFailure('invalid_argument', `${at} must be a whole number`);
  }
  return number;
}

/** @throws ConnectFailure `invalid_argument` */
export function booleanField(of: JsonObject, name: string, at = name): boolean {
  const value = of[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw new ConnectFailure('invalid_argument', `${at} must be true or false`);
  return value;
}

/** Protobuf's JSON leaves out fields that have their default: false, 0, empty text, empty list. */
export function withoutDefaults(fields: JsonObject): JsonObject {
  const out: Record<string, Json> = {};
  for (const [name, value] of Object.entries(fields)) {
    const empty = Array.isArray(value) && value.length === 0;
    if (
      value === undefined ||
      value === null ||
      value === false ||
      value === 0 ||
      value === '' ||
      value === '0' ||
      empty
    ) {
      continue;
    }
    out[name] = value;
  }
  return out;
}
