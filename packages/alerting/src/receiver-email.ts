import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { TlsConfig } from '@belfry/config';
import { BelfryError, messageOf } from '@belfry/model';
import nodemailer from 'nodemailer';
import type { ConfigOf } from './config-receivers.ts';
import { type Deliver, type Delivery, truncate, type Verdict } from './delivery.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 30_000;
/** SMTP over TLS from the first byte. */
const IMPLICIT_TLS_PORT = 465;
/** A subject is one line of a list; what a broken template says in it would fill pages. */
const MAX_SUBJECT_CHARS = 500;
const DEFAULT_SUBJECT = '{{ template "email.default.subject" . }}';

/** A mail by SMTP: HTML and text as alternatives, STARTTLS unless `require_tls` is off, authentication as the server offers. */
export const deliverEmail: Deliver<ConfigOf<'email'>> = async (config, delivery) => {
  const { host, port, portText } = config.smarthost!;
  if (Number.isNaN(port)) return { ok: false, retry: false, error: `smarthost: unknown port ${portText}` };
  const message = compose(config, delivery);
  delivery.show({ to: `SMTP ${host}:${port}`, headers: message.headers, body: message.html || message.text });
  if (delivery.preview) return { ok: true };
  const implicit = config.force_implicit_tls ?? port === IMPLICIT_TLS_PORT;
  const transport = nodemailer.createTransport({
    host,
    port,
    name: config.hello || hostname(),
    secure: implicit,
    requireTLS: !implicit && (config.require_tls ?? true),
    ignoreTLS: !implicit && !(config.require_tls ?? true),
    tls: tlsOptions(config.tls_config, host),
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(await authentication(config, delivery)),
  });
  try {
    await transport.sendMail({
      envelope: { from: addressOf(message.from), to: message.to.split(',').map(addressOf) },
      from: message.from,
      to: message.to,
      subject: message.subject,
      messageId: `<${delivery.nowMs}.${randomUUID()}@${hostname()}>`,
      date: new Date(delivery.nowMs),
      headers: message.extra,
      ...(message.html ? { html: message.html } : {}),
      ...(message.text || !message.html ? { text: message.text } : {}),
      signal: delivery.flush.signal,
    });
    return { ok: true };
  } catch (error) {
    return judgeSmtp(error);
  } finally {
    transport.close();
  }
};

function compose(config: ConfigOf<'email'>, delivery: Delivery) {
  const { say, sayHtml, steer } = delivery;
  const from = steer(config.from, config.from);
  const to = steer(config.to, config.to);
  const extra: Record<string, string> = {};
  let subject = say(DEFAULT_SUBJECT);
  let [shownFrom, shownTo] = [from, to];
  for (const [name, template] of Object.entries(config.headers)) {
    const value = oneLine(say(template));
    if (/^subject$/i.test(name)) subject = value;
    else if (/^from$/i.test(name)) shownFrom = value;
    else if (/^to$/i.test(name)) shownTo = value;
    else extra[name] = value;
  }
  subject = truncate(oneLine(subject), MAX_SUBJECT_CHARS);
  const thread = threadOf(config, delivery);
  if (thread) Object.assign(extra, { 'In-Reply-To': thread, References: thread });
  const html = config.html ? sayHtml(config.html) : '';
  const text = config.text ? say(config.text) : '';
  return {
    from: shownFrom,
    to: shownTo,
    subject,
    extra,
    html,
    text,
    headers: { From: shownFrom, To: shownTo, Subject: subject, ...extra },
  };
}

/** An id that the mails of one group share, and that no mail has itself: mail programs show them together. */
function threadOf({ threading }: ConfigOf<'email'>, { keyHash, nowMs }: Delivery): string | undefined {
  if (!threading?.enabled) return undefined;
  const day = threading.thread_by_date === 'daily' ? `-${new Date(nowMs).toISOString().slice(0, 10)}` : '';
  return `<alert-${keyHash.slice(0, 16)}${day}@alertmanager>`;
}

/** A line break in a header would let a label value add headers of its own. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').trim();
}

function addressOf(mailbox: string): string {
  return /<([^>]+)>\s*$/.exec(mailbox)?.[1] ?? mailbox.trim();
}

interface AuthContext {
  sendCommand(command: string): Promise<{ readonly status: number; readonly response: string }>;
}

async function authentication(config: ConfigOf<'email'>, delivery: Delivery) {
  const user = config.auth_username;
  if (!user) return {};
  const password = await delivery.secret(config.auth_password, config.auth_password_file);
  const secret = await delivery.secret(config.auth_secret, config.auth_secret_file);
  if (secret && !password) return { auth: { user, pass: secret, method: 'CRAM-MD5' } };
  if (!password) throw new BelfryError('delivery_failed', 'missing password for PLAIN or LOGIN auth mechanism');
  if (!config.auth_identity) return { auth: { user, pass: password } };
  // The library knows no identity other than the user.
  const identity = async (context: AuthContext) => {
    const answer = await context.sendCommand(`AUTH PLAIN ${base64(`${config.auth_identity}\0${user}\0${password}`)}`);
    if (answer.status < 200 || answer.status >= 300) throw new Error(`authentication refused: ${answer.response}`);
    return true;
  };
  return { auth: { type: 'custom', method: 'PLAIN', user, pass: password }, customAuth: { PLAIN: identity } };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

function tlsOptions(tls: TlsConfig | undefined, host: string) {
  const name = tls?.server_name || host;
  const servername = isIP(name) ? {} : { servername: name };
  if (!tls) return servername;
  const pem = (inline: string | undefined, file: string | undefined) => inline || (file ? readPem(file) : undefined);
  const ca = pem(tls.ca, tls.ca_file);
  const cert = pem(tls.cert, tls.cert_file);
  const key = pem(tls.key?.reveal(), tls.key_file);
  return {
    ...servername,
    ...(tls.insecure_skip_verify ? { rejectUnauthorized: false } : {}),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new BelfryError('file_unreadable', `cannot read ${file}: ${messageOf(error)}`);
  }
}

/**
 * 5xx answers are final, except to authentication, which is often temporary. So is a server that cannot do the TLS that
 * is required. Everything else may pass.
 */
function judgeSmtp(error: unknown): Verdict {
  const { responseCode: status, code } = error as { responseCode?: number; code?: string };
  const noTls = code === 'ETLS' && /STARTTLS/i.test(messageOf(error));
  const final = noTls || (status !== undefined && status >= 500 && code !== 'EAUTH');
  return { ok: false, retry: !final, ...(status === undefined ? {} : { status }), error: messageOf(error) };
}
