import type { ReactNode } from 'react';

export type Tone = 'ok' | 'warning' | 'critical' | 'info' | 'neutral';

/** A state in a word, in the colour of what it means. */
export function Pill({
  tone,
  plain = false,
  children,
}: {
  readonly tone: Tone;
  readonly plain?: boolean;
  readonly children: ReactNode;
}) {
  return <span className={`pill tone-${tone} ${plain ? 'plain' : ''}`}>{children}</span>;
}

/** The tone of what states are called, across all the APIs. */
export function toneOf(state: string): Tone {
  switch (state) {
    case 'up':
    case 'running':
    case 'delivered':
    case 'inactive':
    case 'resolved':
    case 'ok':
    case 'active':
    case 'passed':
      return 'ok';
    case 'pending':
    case 'starting':
    case 'warning':
      return 'warning';
    case 'down':
    case 'firing':
    case 'failed':
    case 'critical':
    case 'err':
      return 'critical';
    case 'info':
    case 'suppressed':
      return 'info';
    default:
      return 'neutral';
  }
}
