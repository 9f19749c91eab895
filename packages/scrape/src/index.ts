export * from './ingest-contract.ts';
export { type ScrapeIngester, scrapeIngester } from './ingester.ts';
