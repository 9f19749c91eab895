/**
 * The templates that receivers use unless told otherwise: the names and the data are Alertmanager's, so that what people
 * wrote for it works here; the texts are our own.
 */
export const DEFAULT_TEMPLATES = `
{{- define "__alertmanager" }}Alertmanager{{ end }}
{{- define "__alertmanagerURL" }}{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}{{ end }}

{{- define "__subject" -}}
[{{ .Status | toUpper }}{{ if .Alerts.Firing }}:{{ len .Alerts.Firing }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }}
{{- with .CommonLabels.Remove .GroupLabels.Names }} ({{ .Values | join " " }}){{ end }}
{{- end }}
{{- define "__description" }}{{ end }}

{{- define "__text_alert_list" -}}
{{ range . }}{{ range .Annotations.SortedPairs }}{{ .Name }}: {{ .Value }}
{{ end }}{{ range .Labels.SortedPairs }}  {{ .Name }} = {{ .Value }}
{{ end }}{{ with .GeneratorURL }}Source: {{ . }}
{{ end }}
{{ end }}
{{- end }}

{{- define "__text_alert_list_markdown" -}}
{{ range . }}{{ range .Annotations.SortedPairs }}**{{ .Name }}:** {{ .Value }}

{{ end }}{{ range .Labels.SortedPairs }}- {{ .Name }} = {{ .Value }}
{{ end }}{{ with .GeneratorURL }}
[Source]({{ . }})
{{ end }}
{{ end }}
{{- end }}

{{- define "__text_by_status" -}}
{{ with .Alerts.Firing }}Firing:
{{ template "__text_alert_list" . }}{{ end }}
{{- with .Alerts.Resolved }}Resolved:
{{ template "__text_alert_list" . }}{{ end }}
{{- end }}

{{- define "__markdown_by_status" -}}
{{ with .Alerts.Firing }}# Firing
{{ template "__text_alert_list_markdown" . }}{{ end }}
{{- with .Alerts.Resolved }}# Resolved
{{ template "__text_alert_list_markdown" . }}{{ end }}
{{- end }}

{{- define "slack.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "slack.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{- define "slack.default.fallback" }}{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}{{ end }}
{{- define "slack.default.callbackid" }}{{ end }}
{{- define "slack.default.pretext" }}{{ end }}
{{- define "slack.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{- define "slack.default.iconemoji" }}{{ end }}
{{- define "slack.default.iconurl" }}{{ end }}
{{- define "slack.default.text" }}{{ end }}
{{- define "slack.default.footer" }}{{ end }}

{{- define "rocketchat.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "rocketchat.default.alias" }}{{ template "__alertmanager" . }}{{ end }}
{{- define "rocketchat.default.titlelink" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{- define "rocketchat.default.emoji" }}{{ end }}
{{- define "rocketchat.default.iconurl" }}{{ end }}
{{- define "rocketchat.default.text" }}{{ end }}

{{- define "mattermost.default.username" }}{{ template "__alertmanager" . }}{{ end }}
{{- define "mattermost.default.text" }}{{ template "__subject" . }}
{{ template "__markdown_by_status" . }}{{ end }}

{{- define "pagerduty.default.description" }}{{ template "__subject" . }}{{ end }}
{{- define "pagerduty.default.client" }}{{ template "__alertmanager" . }}{{ end }}
{{- define "pagerduty.default.clientURL" }}{{ template "__alertmanagerURL" . }}{{ end }}
{{- define "pagerduty.default.instances" }}{{ template "__text_alert_list" . }}{{ end }}

{{- define "opsgenie.default.message" }}{{ template "__subject" . }}{{ end }}
{{- define "opsgenie.default.description" }}{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__text_by_status" . }}{{ end }}
{{- define "opsgenie.default.source" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{- define "wechat.default.message" }}{{ template "__subject" . }}
{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__text_by_status" . }}{{ template "__alertmanagerURL" . }}{{ end }}
{{- define "wechat.default.to_user" }}{{ end }}
{{- define "wechat.default.to_party" }}{{ end }}
{{- define "wechat.default.to_tag" }}{{ end }}
{{- define "wechat.default.agent_id" }}{{ end }}

{{- define "victorops.default.state_message" }}{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__text_by_status" . }}{{ end }}
{{- define "victorops.default.entity_display_name" }}{{ template "__subject" . }}{{ end }}
{{- define "victorops.default.monitoring_tool" }}{{ template "__alertmanager" . }}{{ end }}

{{- define "pushover.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "pushover.default.message" }}{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__text_by_status" . }}{{ end }}
{{- define "pushover.default.url" }}{{ template "__alertmanagerURL" . }}{{ end }}

{{- define "sns.default.subject" }}{{ template "__subject" . }}{{ end }}
{{- define "sns.default.message" }}{{ .CommonAnnotations.SortedPairs.Values | join " " }}
{{ template "__text_by_status" . }}{{ end }}

{{- define "telegram.default.message" }}{{ template "__subject" . }}
{{ template "__text_by_status" . }}{{ end }}

{{- define "discord.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "discord.default.message" }}{{ template "__text_by_status" . }}{{ end }}

{{- define "webex.default.message" }}{{ template "__subject" . }}
{{ template "__markdown_by_status" . }}{{ end }}

{{- define "msteams.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "msteams.default.summary" }}{{ template "__subject" . }}{{ end }}
{{- define "msteams.default.text" }}{{ template "__markdown_by_status" . }}{{ end }}
{{- define "msteamsv2.default.title" }}{{ template "__subject" . }}{{ end }}
{{- define "msteamsv2.default.text" }}{{ template "__markdown_by_status" . }}{{ end }}

{{- define "jira.default.summary" }}{{ template "__subject" . }}{{ end }}
{{- define "jira.default.description" }}{{ template "__text_by_status" . }}{{ end }}
{{- define "jira.default.priority" -}}
{{ $severity := "" }}{{ range .Alerts.Firing }}{{ if eq (index .Labels "severity") "critical" }}{{ $severity = "High" }}{{ end }}{{ end }}
{{- if $severity }}{{ $severity }}{{ else if eq (index .CommonLabels "severity") "warning" }}Medium{{ else }}Low{{ end }}
{{- end }}

{{- define "email.default.subject" }}{{ template "__subject" . }}{{ end }}
{{- define "__email_alerts" -}}
{{ range . }}
<table role="presentation" width="100%" style="border-collapse:collapse;margin:0 0 20px;font-size:14px">
{{ range .Annotations.SortedPairs }}<tr><td style="padding:2px 12px 2px 0;color:#666;vertical-align:top">{{ .Name }}</td><td style="padding:2px 0"><strong>{{ .Value }}</strong></td></tr>
{{ end }}{{ range .Labels.SortedPairs }}<tr><td style="padding:2px 12px 2px 0;color:#666;vertical-align:top">{{ .Name }}</td><td style="padding:2px 0;font-family:monospace">{{ .Value }}</td></tr>
{{ end }}<tr><td style="padding:2px 12px 2px 0;color:#666">since</td><td style="padding:2px 0">{{ .StartsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ if eq .Status "resolved" }} until {{ .EndsAt.UTC.Format "2006-01-02 15:04:05 MST" }}{{ end }}</td></tr>
{{ with .GeneratorURL }}<tr><td></td><td style="padding:2px 0"><a href="{{ . }}">Source</a></td></tr>
{{ end }}</table>
{{ end }}
{{- end }}
{{- define "email.default.html" -}}
<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{ template "__subject" . }}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f5;color:#18181b;font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;line-height:1.5">
<div style="max-width:640px;margin:0 auto;background:#ffffff;border:1px solid #e4e4e7;border-radius:6px;overflow:hidden">
<div style="padding:16px 24px;color:#ffffff;background:{{ if eq .Status "firing" }}#b91c1c{{ else }}#15803d{{ end }}">
<strong>{{ len .Alerts }} alert{{ if gt (len .Alerts) 1 }}s{{ end }}</strong>{{ range .GroupLabels.SortedPairs }} {{ .Name }}={{ .Value }}{{ end }}
</div>
<div style="padding:24px">
{{ if .Alerts.Firing }}<h2 style="margin:0 0 12px;font-size:16px">{{ len .Alerts.Firing }} firing</h2>{{ template "__email_alerts" .Alerts.Firing }}{{ end }}
{{ if .Alerts.Resolved }}<h2 style="margin:0 0 12px;font-size:16px">{{ len .Alerts.Resolved }} resolved</h2>{{ template "__email_alerts" .Alerts.Resolved }}{{ end }}
<p style="margin:0"><a href="{{ template "__alertmanagerURL" . }}">View in {{ template "__alertmanager" . }}</a></p>
</div>
</div>
<p style="text-align:center;font-size:12px;color:#71717a">Sent by <a href="{{ .ExternalURL }}" style="color:#71717a">{{ template "__alertmanager" . }}</a></p>
</body>
</html>
{{ end }}
`;
