import { createHash, createHmac } from 'node:crypto';
import type { ConfigOf } from './config-receivers.ts';
import { type Deliver, judge } from './delivery.ts';

const MAX_SUBJECT_CHARS = 100;
const MAX_MESSAGE_BYTES = 256 * 1024;
const MAX_SMS_BYTES = 1600;

/** `Publish` of Amazon SNS, signed with Signature Version 4. */
export const deliverSns: Deliver<ConfigOf<'sns'>> = async (config, delivery) => {
  const { say, steer } = delivery;
  const { region, access_key: accessKey } = config.sigv4;
  const secretKey = await delivery.secret(config.sigv4.secret_key, '');
  const url = config.api_url ? steer(config.api_url, config.api_url) : `https://sns.${region}.amazonaws.com/`;
  const phone = steer(config.phone_number);
  const topic = steer(config.topic_arn);
  const form: Record<string, string> = {
    Action: 'Publish',
    Version: '2010-03-31',
    Message: cutBytes(say(config.message), phone ? MAX_SMS_BYTES : MAX_MESSAGE_BYTES),
  };
  if (topic) form.TopicArn = topic;
  if (config.target_arn) form.TargetArn = steer(config.target_arn);
  if (phone) form.PhoneNumber = phone;
  if (topic.endsWith('.fifo')) {
    form.MessageGroupId = delivery.keyHash;
    form.MessageDeduplicationId = createHash('sha256').update(`${delivery.keyHash}${delivery.nowMs}`).digest('hex');
  }
  const subject = say(config.subject)
    .replace(/[\r\n]+/g, ' ')
    .slice(0, MAX_SUBJECT_CHARS);
  if (subject && !phone) form.Subject = subject;
  Object.entries(config.attributes).forEach(([name, value], i) => {
    const entry = `MessageAttributes.entry.${i + 1}`;
    form[`${entry}.Name`] = name;
    form[`${entry}.Value.DataType`] = 'String';
    form[`${entry}.Value.StringValue`] = say(value);
  });
  const body = new URLSearchParams(form).toString();
  const headers = signV4({ url, body, region, service: 'sns', accessKey, secretKey, nowMs: delivery.nowMs });
  return judge(await delivery.send({ url, body, headers }));
};

function cutBytes(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= maxBytes
    ? text
    : new TextDecoder().decode(bytes.subarray(0, maxBytes)).replace(/\uFFFD+$/, '');
}

/** The headers of a signed POST (AWS Signature Version 4). */
export function signV4(request: {
  readonly url: string;
  readonly body: string;
  readonly region: string;
  readonly service: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly nowMs: number;
}): Record<string, string> {
  const { url, body, region, service, accessKey, secretKey, nowMs } = request;
  const at = new URL(url);
  const date = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
  const day = date.slice(0, 8);
  const type = 'application/x-www-form-urlencoded; charset=utf-8';
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const signed = 'content-type;host;x-amz-date';
  const canonical = [
    'POST',
    at.pathname,
    at.search.slice(1),
    `content-type:${type}`,
    `host:${at.host}`,
    `x-amz-date:${date}`,
    '',
    signed,
    hash(body),
  ];
  const scope = `${day}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', date, scope, hash(canonical.join('\n'))].join('\n');
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(
    (k, part) => hmac(k, part),
    `AWS4${secretKey}`,
  );
  const signature = createHmac('sha256', key).update(toSign).digest('hex');
  return {
    'content-type': type,
    'x-amz-date': date,
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKey}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}
