export { type Discovery, type DiscoveryDependencies, discover, type TargetsFound } from './discovery.ts';
export { type DnsResolver, systemDns } from './discovery-dns.ts';
export { type DiscoveryFiles, diskDiscoveryFiles } from './discovery-file.ts';
export * from './ingest-contract.ts';
export { type ScrapeIngester, scrapeIngester } from './ingester.ts';
export * from './manager.ts';
export type { TargetState } from './scrape-loop.ts';
export { makeTarget, type Target, type TargetResult } from './target.ts';
export * from './views.ts';
