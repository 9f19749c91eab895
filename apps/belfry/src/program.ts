import { Command, type CommanderError, InvalidArgumentError } from 'commander';
import { VERSION } from './version.ts';

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
};

/** The command line. Commands are loaded when they run, so that `belfry help` is quick. */
export function createProgram(): Command {
  const program = new Command('belfry')
    .description('Monitoring as code, and the tower to run it in.')
    .version(VERSION, '-V, --version')
    .showSuggestionAfterError()
    .exitOverride(leave);

  program
    .command('up')
    .description('Build the packs, run the tower and the reference services, in the foreground.')
    .option('--port-offset <n>', 'add this to every port', whole, 0)
    .option('--ui-port <n>', 'port of the pages', whole, 3000)
    .option('--prometheus-port <n>', 'port of Prometheus’ API', whole, 9090)
    .option('--alertmanager-port <n>', 'port of Alertmanager’s API', whole, 9093)
    .option('--traffic <on|off>', 'random traffic to the reference services', 'on')
    .option('--seed <n>', 'of the random traffic', whole, 1)
    .option('--no-fleet', 'run no reference services')
    .option('--data <dir>', 'where everything is kept', '.belfry')
    .action(async (options) => (await import('./commands/up.ts')).up(options));

  passThrough(
    program,
    'serve',
    'Run the tower on a prometheus.yml, with Prometheus’ flags (see docs/flags.md).',
    async (argv) => (await import('./commands/serve.ts')).serve(argv),
  );
  passThrough(program, 'alertmanager', 'Run the alert router alone, with Alertmanager’s flags.', async (argv) =>
    (await import('./commands/alertmanager.ts')).alertmanager(argv),
  );

  program
    .command('init')
    .description('Make a new pack that passes its checks.')
    .argument('<dir>', 'where; new or empty')
    .option('--name <name>', 'of the service; the directory’s when not given')
    .action(async (dir, options) => (await import('./commands/init.ts')).init(dir, options));

  program
    .command('import')
    .description(
      'Turn rule files, Grafana JSON, alertmanager.yml and scrape jobs into a pack whose build means the same.',
    )
    .argument('<files...>', 'files and directories')
    .requiredOption('--out <dir>', 'where; new or empty')
    .option('--name <name>', 'of the pack; the directory’s when not given')
    .action(async (files, options) => (await import('./commands/import.ts')).importFiles(files, options));

  program
    .command('build')
    .description('Compile packs to prometheus.yml, rule files, alertmanager.yml and Grafana dashboards.')
    .argument('[packs...]', 'files of packs; all packs of this checkout when none is named')
    .option('--out <dir>', 'where to write', 'build')
    .option('--target <names...>', 'what to write instead (docs/build.md lists the targets); `all` for everything')
    .option('--traces <name>', 'of composed stacks: tempo or jaeger', 'tempo')
    .option('--namespace <name>', 'of Kubernetes', 'monitoring')
    .option('--runbook-url <url>', 'where runbooks are served, for the links in alerts')
    .action(async (packs, options) => (await import('./commands/build.ts')).build(packs, options));

  program
    .command('push')
    .description(
      'Deliver a build to Grafana, or rules to Mimir’s or Loki’s ruler. Shows the plan; --yes carries it out.',
    )
    .argument('<service>', 'grafana, mimir or loki')
    .argument('<url>', 'of the service')
    .argument('[files...]', 'packs (all of this checkout when none is named); for loki, files of rules on logs')
    .option('--yes', 'carry the plan out')
    .option('--folder <title>', 'of dashboards in Grafana', 'Belfry')
    .option('--prometheus-url <url>', 'of the data source, where Grafana does not have it yet', 'http://127.0.0.1:9090')
    .option('--alertmanager', 'also replace the Alertmanager configuration in Mimir')
    .option('--tenant <id>', 'X-Scope-OrgID for Mimir and Loki')
    .option('--token-file <file>', 'a bearer token; or the variable BELFRY_PUSH_TOKEN')
    .option('--basic-auth-file <file>', 'user:password; or the variable BELFRY_PUSH_BASIC_AUTH')
    .action(async (service, url, files, options) =>
      (await import('./commands/push.ts')).push(service, url, files, options),
    );

  program
    .command('check')
    .description(
      'Check packs and files: rules, prometheus.yml, alertmanager.yml, dashboards, Kubernetes YAML, Markdown.',
    )
    .argument('[paths...]', 'files and directories; the packs of this checkout when none is named')
    .option('--format <name>', 'text, json, github, sarif or junit', 'text')
    .option('--catalogue <paths...>', 'files that say which metrics there are')
    .option('--only <checks...>', 'only these checks')
    .option('--min-severity <name>', 'leave out what is below')
    .option('--config <file>', 'what is disabled, with reasons')
    .option('--fix', 'mend what can be mended safely')
    .action(async (paths, options) => (await import('./commands/check.ts')).check(paths, options));

  program
    .command('graph')
    .description('Show what stands on a metric: rules, alerts, panels, objectives, scenarios, and who is told.')
    .argument('<metric>', 'its name, or a recording rule’s')
    .argument('[paths...]', 'packs, files and directories; the packs of this checkout when none is named')
    .option('--format <name>', 'text, json or dot', 'text')
    .action(async (metric, paths, options) => (await import('./commands/graph.ts')).graph(metric, paths, options));
  program
    .command('rename')
    .description('Rename a metric wherever its name is written, after showing what stands on it.')
    .argument('<old>', 'its name')
    .argument('<new>', 'its name from now on')
    .argument('[paths...]', 'packs, files and directories; the packs of this checkout when none is named')
    .option('--dry-run', 'show the lines that would change')
    .action(async (from, to, paths, options) =>
      (await import('./commands/rename.ts')).rename(from, to, paths, options),
    );

  const test = program.command('test').description('Tests on virtual time.');
  test
    .command('promql')
    .description('Run Prometheus’ promqltest scripts.')
    .argument('<files...>', 'scripts')
    .action(async (files) => (await import('./commands/test.ts')).testPromql(files));
  test
    .command('rules')
    .description('Run promtool’s unit tests of rules.')
    .argument('<files...>', 'test files')
    .option('--format <text|json|junit>', 'of the report', 'text')
    .option('--coverage', 'show which alerts and templates the tests saw')
    .option('--run <pattern>', 'only groups whose name this matches')
    .option('--enable-feature <names>', 'PromQL features, by Prometheus’ names')
    .action(async (files, options) => (await import('./commands/test.ts')).testRules(files, options));
  test
    .command('routes')
    .description('Run tests of alert routing.')
    .argument('<files...>', 'test files')
    .action(async (files) => (await import('./commands/test.ts')).testRoutes(files));

  program
    .command('why')
    .description('Why an alert is, or is not, told: rule, route, group, inhibitions, silences, attempts.')
    .argument('<alert>', 'name of the alert')
    .option('--url <url>', 'of the running tower', 'http://127.0.0.1:3000')
    .option('--format <text|json>', 'of the answer', 'text')
    .action(async (alert, options) => (await import('./commands/why.ts')).why(alert, options));

  tryCommand(program, 'preview', 'Show what a receiver would be told for a sample, or for given or live alerts.');
  tryCommand(program, 'drill', 'Send a message that is marked as a drill to a receiver, and say how it went.');

  const fleet = program
    .command('fleet')
    .description('The reference services of a running `belfry up`.')
    .option('--url <url>', 'of the running tower', 'http://127.0.0.1:3000');
  const act = async (...args: [action: string, name?: string, breakage?: string]) =>
    (await import('./commands/fleet.ts')).fleet(fleet.opts<{ url: string }>().url, ...args);
  fleet
    .command('list', { isDefault: true })
    .description('Services, ports, state, failures.')
    .action(() => act('list'));
  fleet
    .command('stop <service>')
    .description('Stop one.')
    .action((name) => act('stop', name));
  fleet
    .command('start <service>')
    .description('Start one.')
    .action((name) => act('start', name));
  fleet
    .command('break <service> <failure>')
    .description('Switch a failure on.')
    .action((n, b) => act('break', n, b));
  fleet
    .command('mend <service> <failure>')
    .description('Switch a failure off.')
    .action((n, b) => act('mend', n, b));

  return program;
}

/** A command that tries a receiver out. */
function tryCommand(program: Command, name: 'preview' | 'drill', description: string): void {
  program
    .command(name)
    .description(description)
    .argument('<receiver>', 'its name in alertmanager.yml')
    .option('--alert <file>', 'JSON or YAML: an alert, or a list, as Alertmanager’s API takes them')
    .option('--live <alertname>', 'alerts of that name which the tower’s router knows')
    .option('--url <url>', 'of the running tower', 'http://127.0.0.1:3000')
    .option('--config.file <file>', 'use this alertmanager.yml, and no tower')
    .option('--format <text|json>', 'of the answer', 'text')
    .action(async (receiver, options) => (await import('./commands/try-receiver.ts'))[name](receiver, options));
}

/** A command whose flags are another program's, read by `parseFlags`. */
function passThrough(
  program: Command,
  name: string,
  description: string,
  run: (argv: string[]) => Promise<void>,
): void {
  program
    .command(name)
    .description(description)
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument('[flags...]')
    .action((_flags, _options, command: Command) => run(command.args));
}

/** Commander has said what there was to say; misuse exits with 2. */
function leave(error: CommanderError): never {
  process.exit(error.exitCode === 0 ? 0 : 2);
}
