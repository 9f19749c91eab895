/** metald as a process of its own: settings from the environment and the flags. */
import { runService } from '@belfry/service-kit';
import { metaldOptions } from './config.ts';
import { startMetald } from './metald.ts';

await runService(() => startMetald(metaldOptions(process.env, process.argv.slice(2))));
