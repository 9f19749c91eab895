import { resolve } from 'node:path';

/** The root of the checkout: packs, services and pages are found from here. */
export const ROOT = resolve(import.meta.dirname, '../../..');
