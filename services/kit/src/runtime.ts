/** The process' own numbers under the names that services in Go export: what Node can tell stands in for what Go would. */
import { readdirSync, readFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '@belfry/model';
import type { Instruments } from '@belfry/sdk/instruments';
import type { runtimeMetrics } from '@belfry/sdk/runtime-metrics';

export type RuntimeInstruments = Instruments<typeof runtimeMetrics>;

export interface RuntimeNumbers {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly activities: number;
}

export interface RuntimeRecorder {
  /** Brings the instruments up to date, before a scrape is answered. */
  record(): RuntimeNumbers;
  close(): void;
}

const MICROSECONDS_PER_SECOND = 1e6;
const MILLISECONDS_PER_SECOND = 1e3;

/** `extraBytes` is added to the resident memory: for the incident of a leak, without one. */
export function recordRuntime(clock: Clock, to: RuntimeInstruments, extraBytes: () => number): RuntimeRecorder {
  to.processStartTime.set(Math.round(clock.now() / MILLISECONDS_PER_SECOND - process.uptime()));
  to.processMaxFds.set(openFileLimit());
  to.goInfo.set({ version: `node-${process.version}` });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) to.goGcDuration.observe(entry.duration / MILLISECONDS_PER_SECOND);
  });
  observer.observe({ entryTypes: ['gc'] });
  let cpuSeconds = 0;
  return {
    record() {
      const { user, system } = process.cpuUsage();
      const used = (user + system) / MICROSECONDS_PER_SECOND;
      to.processCpuSeconds.add(Math.max(0, used - cpuSeconds));
      cpuSeconds = used;
      const residentBytes = process.memoryUsage.rss() + extraBytes();
      to.processResidentMemory.set(residentBytes);
      const activities = process.getActiveResourcesInfo().length;
      to.goGoroutines.set(activities);
      to.goThreads.set(threadCount());
      to.processOpenFds.set(openFileCount());
      recordHeap(to);
      return { cpuSeconds, residentBytes, activities };
    },
    close: () => observer.disconnect(),
  };
}

function recordHeap(to: RuntimeInstruments): void {
  const heap = getHeapStatistics();
  to.processVirtualMemory.set(virtualBytes());
  to.goMemoryAlloc.set(heap.used_heap_size + heap.external_memory);
  to.goMemorySys.set(heap.total_heap_size + heap.external_memory + heap.malloced_memory);
  to.goMemoryHeapAlloc.set(heap.used_heap_size);
  to.goMemoryHeapInuse.set(heap.total_physical_size);
  to.goMemoryHeapSys.set(heap.total_heap_size);
}

/** The part of `/proc/self` that `read` asks for; where the system has none, `fallback`. */
function procSelf(read: () => number, fallback: () => number): number {
  try {
    const value = read();
    return Number.isFinite(value) ? value : fallback();
  } catch {
    return fallback();
  }
}

const PAGE_BYTES = 4096;
const FALLBACK_FILE_LIMIT = 1024;

const openFileLimit = () =>
  procSelf(
    () => Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]),
    () => FALLBACK_FILE_LIMIT,
  );
const openFileCount = () =>
  procSelf(
    () => readdirSync('/proc/self/fd').length,
    () => process.getActiveResourcesInfo().length,
  );
const threadCount = () =>
  procSelf(
    () => readdirSync('/proc/self/task').length,
    () => 1,
  );
const virtualBytes = () =>
  procSelf(
    () => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * PAGE_BYTES,
    () => process.memoryUsage.rss(),
  );
