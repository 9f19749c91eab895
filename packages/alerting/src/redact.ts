import { redactUrl, SECRET_MASK } from '@belfry/config';

/** A text this short occurs by chance; masking it would only garble. */
const MIN_SECRET_CHARS = 3;

/** A path this short says nothing secret, and may occur anywhere. */
const MIN_PATH_CHARS = 12;

/** A secret URL may come back normalised, or with its password masked, and its path is the secret part of it. */
function urlForms(secret: string): string[] {
  if (!/^https?:/i.test(secret) || !URL.canParse(secret)) return [];
  const { href, pathname, search } = new URL(secret);
  const path = pathname + search;
  return path.length >= MIN_PATH_CHARS ? [href, redactUrl(secret), path] : [href, redactUrl(secret)];
}

/** Replaces secrets in texts that people will see. More can be added as they become known (from files). */
export interface Redactor {
  add(secret: string): void;
  (text: string): string;
}

export function redactor(secrets: Iterable<string>): Redactor {
  let known: string[] = [];
  const add = (secret: string) => {
    if (secret.length < MIN_SECRET_CHARS) return;
    const json = JSON.stringify(secret).slice(1, -1);
    const forms = [
      secret,
      json,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      ...urlForms(secret),
    ];
    // Longest first, so that a secret within another leaves no rest.
    known = [...new Set([...known, ...forms])].sort((a, b) => b.length - a.length);
  };
  for (const secret of secrets) add(secret);
  const redact = (text: string) => known.reduce((shown, secret) => shown.replaceAll(secret, SECRET_MASK), text);
  return Object.assign(redact, { add });
}
