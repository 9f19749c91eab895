import type { Clock, Random } from '@belfry/model';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A name for a block: 26 characters that sort by time of making. */
export function newUlid(clock: Clock, random: Random): string {
  let time = Math.max(0, Math.floor(clock.now()));
  let text = '';
  for (let i = 0; i < 10; i++) {
    text = ALPHABET[time % 32] + text;
    time = Math.floor(time / 32);
  }
  for (let i = 0; i < 16; i++) text += ALPHABET[Math.floor(random() * 32)];
  return text;
}

export function isUlid(text: string): boolean {
  return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(text);
}
