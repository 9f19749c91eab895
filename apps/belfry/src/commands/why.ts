import type { StoredNotification, WhyReport } from '@belfry/alerting';
import { quote } from '@belfry/model';
import type { AlertingRuleView, RulesData } from '@belfry/rules';
import pc from 'picocolors';
import { askTower } from '../ask-tower.ts';
import { notificationLines, whyText } from '../why-text.ts';

/** Tells why an alert is, or is not, told: asks the tower at `url`. */
export async function why(
  alertname: string,
  options: { readonly url: string; readonly format: string },
): Promise<void> {
  const ask = <T>(path: string) => askTower<T>(options.url, path);
  const filter = encodeURIComponent(`alertname=${quote(alertname)}`);
  const { alerts } = await ask<{ alerts: readonly WhyReport[] }>(`/api/belfry/alerting/why?filter=${filter}`);
  if (options.format === 'json') return console.log(JSON.stringify(alerts, undefined, 2));
  if (alerts.length > 0) return console.log(alerts.map(whyText).join(`\n\n${pc.dim('─'.repeat(60))}\n\n`));
  console.log(`The router knows of no alert ${pc.bold(alertname)} now.`);
  for (const line of await ruleLines(ask, alertname)) console.log(line);
  const past = `/api/belfry/alerting/notifications?limit=5&alertname=${encodeURIComponent(alertname)}`;
  const { notifications } = await ask<{ notifications: readonly StoredNotification[] }>(past);
  if (notifications.length === 0) return;
  console.log(`\n${pc.bold('What was told before')}`);
  for (const line of notificationLines(notifications)) console.log(`  ${line}`);
}

/** What the rules say; a router that runs alone has none. */
async function ruleLines(ask: <T>(path: string) => Promise<T>, alertname: string): Promise<string[]> {
  const path = `/api/v1/rules?type=alert&rule_name[]=${encodeURIComponent(alertname)}`;
  const rules = await ask<{ data: RulesData }>(path).catch(() => undefined);
  if (!rules) return [];
  const found = rules.data.groups.flatMap((group) =>
    group.rules.map((rule) => ({ group: group.name, file: group.file, rule: rule as AlertingRuleView })),
  );
  if (found.length === 0) return ['No alerting rule of this server has that name.'];
  return found.flatMap(({ group, file, rule }) => [
    `Rule ${rule.name} of group ${group} in ${file} is ${rule.state}${rule.health === 'ok' ? '' : `, health ${rule.health}`}, last evaluated ${rule.lastEvaluation}:`,
    `  ${pc.cyan(rule.query)}`,
    ...(rule.lastError ? [`  ${pc.red(rule.lastError)}`] : []),
    ...(rule.alerts ?? []).map((a) => `  ${a.state} since ${a.activeAt}, value ${a.value}`),
  ]);
}
