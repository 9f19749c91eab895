/** The real programs that tests let judge our work; where they come from on Debian. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';

export const PEERS: Readonly<Record<string, string>> = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  amtool: 'prometheus-alertmanager',
  'prometheus-node-exporter': 'prometheus-node-exporter',
  chromium: 'chromium',
};

export function missingPeers(): string[] {
  return Object.keys(PEERS).filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
}

/** Installs what is missing where that can be done without asking: as root on Debian. Returns what is still missing. */
export function ensurePeers(): string[] {
  const missing = missingPeers();
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) return missing;
  const packages = [...new Set(missing.map((name) => PEERS[name]!))];
  console.log(`Installing from Debian: ${packages.join(', ')} …`);
  // The packages would start their servers, on ports that tests use.
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const quiet = { env, stdio: ['ignore', 'ignore', 'inherit'] as ('ignore' | 'inherit')[] };
    execFileSync('apt-get', ['update', '-qq'], quiet);
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], quiet);
  } catch (error) {
    console.error(`apt-get failed: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
  return missingPeers();
}
