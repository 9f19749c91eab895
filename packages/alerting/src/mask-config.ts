import { isSecret, type Loaded, SECRET_MASK } from '@belfry/config';
import { Document, isMap, isPair, isScalar, parseAllDocuments, type Scalar, visit } from 'yaml';

/** A key under which secrets stand, so that an equal text elsewhere (a receiver called like a password) stays readable. */
const SECRET_PLACE = /(?:password|secret|secrets|token|token_id|key|credentials|url|proxy_connect_header)$/;
/** Older releases of amtool want a URL in a webhook's `url`, and this is one to them. */
const MASKED_URL = `http://${SECRET_MASK}/`;
const URL_PASSWORD = /^([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*):[^/?#@]*@/i;

/**
 * The configuration as YAML, comments left out, every text that its schema calls secret as `<secret>`, and every password
 * in a URL.
 */
export function maskConfig(loaded: Loaded<unknown>): string {
  const secrets = new Set<string>();
  collectSecrets(loaded.data, secrets);
  const document = firstDocument(loaded.text);
  document.commentBefore = null;
  document.comment = null;
  visit(document, {
    Node(_key, node) {
      node.comment = null;
      node.commentBefore = null;
    },
    Scalar(key, node, path) {
      if (key === 'key') return;
      const written = scalarText(node);
      const place = path.some((p) => isPair(p) && isScalar(p.key) && SECRET_PLACE.test(String(p.key.value)));
      if (place && secrets.has(written)) {
        node.value = isWebhookUrl(path) ? MASKED_URL : SECRET_MASK;
        delete node.source;
        node.type = 'PLAIN';
      } else if (URL_PASSWORD.test(written)) {
        node.value = written.replace(URL_PASSWORD, '$1:xxxxx@');
      }
    },
  });
  if (!isMap(document.contents)) return '';
  return document.toString({ lineWidth: 0 });
}

/** As everywhere in the field, what follows a second `---` is not read. */
export function firstDocument(text: string): Document {
  const documents = parseAllDocuments(text, { merge: true });
  return Array.isArray(documents) && documents[0] ? documents[0] : new Document();
}

function isWebhookUrl(path: readonly unknown[]): boolean {
  const keys = path.flatMap((p) => (isPair(p) && isScalar(p.key) ? [String(p.key.value)] : []));
  return keys.at(-1) === 'url' && keys.at(-2) === 'webhook_configs';
}

function scalarText(node: Scalar): string {
  return node.type === 'PLAIN' && node.source !== undefined ? node.source : String(node.value);
}

function collectSecrets(value: unknown, into: Set<string>): void {
  if (isSecret(value)) {
    if (value.reveal() !== '') into.add(value.reveal());
  } else if (Array.isArray(value)) for (const item of value) collectSecrets(item, into);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) collectSecrets(item, into);
}

/** Every secret in a piece of configuration, for {@link redactor}. */
export function secretsIn(value: unknown): string[] {
  const secrets = new Set<string>();
  collectSecrets(value, secrets);
  return [...secrets];
}
