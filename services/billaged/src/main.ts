/** billaged as a process of its own: settings from the environment and the flags. */
import { runService } from '@belfry/service-kit';
import { startBillaged } from './billaged.ts';
import { billagedOptions } from './config.ts';

await runService(() => startBillaged(billagedOptions(process.env, process.argv.slice(2))));
