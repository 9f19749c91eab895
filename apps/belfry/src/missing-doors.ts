import { createServer, type Server } from 'node:http';

/** A port that documents tell people to ask, behind which nothing of ours stands yet. */
interface MissingDoor {
  readonly port: number;
  readonly message: string;
}

/** Ports before any offset. */
const DOORS: readonly MissingDoor[] = [
  {
    port: 4318,
    message:
      'OTLP is not taken by this version of Belfry: traces, logs and metrics sent here are refused, not lost silently',
  },
  {
    port: 13133,
    message:
      'no OpenTelemetry Collector runs here; Belfry scrapes by itself, and its own metrics are at port 9090 /metrics',
  },
];

/** 501: the server does not have what the request needs. 12 is gRPC's code for it, which OTLP clients read. */
const NOT_IMPLEMENTED = 501;
const UNIMPLEMENTED = 12;

/**
 * Answers on these ports with what is missing, rather than not at all. Where somebody else listens already, that one
 * answers.
 */
export async function openMissingDoors(host: string, offset: number): Promise<{ close(): Promise<void> }> {
  const servers = await Promise.all(DOORS.map(({ port, message }) => open(host, port + offset, message)));
  return {
    close: async () => {
      await Promise.all(
        servers.map((server) => new Promise<void>((done) => (server ? server.close(() => done()) : done()))),
      );
    },
  };
}

function open(host: string, port: number, message: string): Promise<Server | undefined> {
  const body = JSON.stringify({ code: UNIMPLEMENTED, message });
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(NOT_IMPLEMENTED, { 'content-type': 'application/json', connection: 'close' }).end(`${body}\n`);
  });
  return new Promise((resolve) => {
    server.once('error', () => resolve(undefined));
    server.listen({ host, port }, () => resolve(server));
  });
}
