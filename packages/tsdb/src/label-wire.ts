import type { Labels } from '@belfry/model';

/**
 * Label sets over a message port, each sent once: afterwards a number stands for it. Queries give the same series again and
 * again, and cloning their strings costs more than their samples.
 */
export interface PackedLabels {
  /** The receiver forgets everything before it reads this. */
  readonly reset: boolean;
  /** New ones; their numbers go on from what the receiver has. */
  readonly fresh: readonly Labels[];
  readonly numbers: Uint32Array;
}

/** Then both sides start anew, so that series long gone do not stay in memory. */
const MAX_KNOWN_LABELS = 200_000;

export interface LabelSender {
  known: WeakMap<Labels, number>;
  count: number;
}

export function newLabelSender(): LabelSender {
  return { known: new WeakMap(), count: 0 };
}

export function packLabels(sender: LabelSender, labels: readonly Labels[]): PackedLabels {
  const reset = sender.count + labels.length > MAX_KNOWN_LABELS && sender.count > 0;
  if (reset) {
    sender.known = new WeakMap();
    sender.count = 0;
  }
  const fresh: Labels[] = [];
  const numbers = new Uint32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    let number = sender.known.get(labels[i]);
    if (number === undefined) {
      number = sender.count++;
      sender.known.set(labels[i], number);
      fresh.push(labels[i]);
    }
    numbers[i] = number;
  }
  return { reset, fresh, numbers };
}

export interface LabelReceiver {
  known: Labels[];
}

export function newLabelReceiver(): LabelReceiver {
  return { known: [] };
}

/** Packed label sets must be unpacked in the order in which they were packed. */
export function unpackLabels(receiver: LabelReceiver, packed: PackedLabels): Labels[] {
  if (packed.reset) receiver.known = [];
  for (const labels of packed.fresh) receiver.known.push(labels);
  return Array.from(packed.numbers, (n) => receiver.known[n]);
}
