/**
 * The list of complete chunks of every series: nodes in columns instead of objects. Node 0 stands for the end of a list.
 */
export interface ChunkPool {
  capacity: number;
  used: number;
  /** The head of the list of free nodes. */
  free: number;
  minT: Float64Array;
  maxT: Float64Array;
  /** Where the chunk lies; see head-chunks.ts. */
  position: Float64Array;
  samples: Uint16Array;
  encoding: Uint8Array;
  next: Uint32Array;
}

export function newChunkPool(): ChunkPool {
  const capacity = 1024;
  return {
    capacity,
    used: 1,
    free: 0,
    minT: new Float64Array(capacity),
    maxT: new Float64Array(capacity),
    position: new Float64Array(capacity),
    samples: new Uint16Array(capacity),
    encoding: new Uint8Array(capacity),
    next: new Uint32Array(capacity),
  };
}

function growPool(p: ChunkPool): void {
  const capacity = Math.ceil(p.capacity * 1.5);
  for (const key of ['minT', 'maxT', 'position'] as const) {
    const next = new Float64Array(capacity);
    next.set(p[key]);
    p[key] = next;
  }
  const samples = new Uint16Array(capacity);
  samples.set(p.samples);
  p.samples = samples;
  const encoding = new Uint8Array(capacity);
  encoding.set(p.encoding);
  p.encoding = encoding;
  const next = new Uint32Array(capacity);
  next.set(p.next);
  p.next = next;
  p.capacity = capacity;
}

export function newChunkNode(
  p: ChunkPool,
  minT: number,
  maxT: number,
  position: number,
  samples: number,
  encoding: number,
): number {
  let node = p.free;
  if (node !== 0) p.free = p.next[node];
  else {
    if (p.used === p.capacity) growPool(p);
    node = p.used++;
  }
  p.minT[node] = minT;
  p.maxT[node] = maxT;
  p.position[node] = position;
  p.samples[node] = samples;
  p.encoding[node] = encoding;
  p.next[node] = 0;
  return node;
}

export function freeChunkNode(p: ChunkPool, node: number): void {
  p.next[node] = p.free;
  p.free = node;
}
