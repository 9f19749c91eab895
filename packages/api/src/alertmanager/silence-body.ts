import { NO_TIME, parseTime, type SilenceRequest } from '@belfry/alerting';
import { BelfryError, type Matcher } from '@belfry/model';
import { z } from 'zod';

const PostableSilence = z.object({
  id: z.string().optional(),
  matchers: z
    .array(
      z.object({
        name: z.string(),
        value: z.string(),
        isRegex: z.boolean(),
        isEqual: z.boolean().default(true),
      }),
    )
    .min(1, 'at least one matcher required'),
  startsAt: z.string(),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
});

/** `postableSilence` of API v2. @throws BelfryError `bad_data` */
export function readSilence(body: unknown, nowMs: number): SilenceRequest {
  const parsed = PostableSilence.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    const where = issue.path.join('.');
    const missing = issue.code === 'invalid_type' && issue.input === undefined;
    throw new BelfryError(
      'bad_data',
      missing ? `${where} in body is required` : `${where ? `${where} in body: ` : ''}${issue.message}`,
    );
  }
  const { id, startsAt, endsAt, createdBy, comment, matchers } = parsed.data;
  const request: SilenceRequest = {
    ...(id ? { id } : {}),
    matchers: matchers.map(toMatcher),
    startsAtMs: parseTime(startsAt),
    endsAtMs: parseTime(endsAt),
    createdBy,
    comment,
  };
  const starts = request.startsAtMs === NO_TIME ? nowMs : request.startsAtMs;
  if (starts >= request.endsAtMs) {
    throw new BelfryError('bad_data', 'Failed to create silence: start time must be before end time');
  }
  if (request.endsAtMs < nowMs) {
    throw new BelfryError('bad_data', "Failed to create silence: end time can't be in the past");
  }
  return request;
}

function toMatcher(matcher: { name: string; value: string; isRegex: boolean; isEqual: boolean }): Matcher {
  const { name, value, isRegex, isEqual } = matcher;
  return { name, op: isRegex ? (isEqual ? '=~' : '!~') : isEqual ? '=' : '!=', value };
}
