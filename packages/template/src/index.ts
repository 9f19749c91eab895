export * from './alertmanager.ts';
export { escapeHtml, queryEscape } from './builtins.ts';
export { MAX_TEMPLATE_DEPTH, type MissingKey } from './execute.ts';
export { type TemplateFault, templateFault } from './fault.ts';
export { formatGoFloat, parseGoFloat } from './float.ts';
export { formatValue, sprint, sprintf } from './format.ts';
export type { CallContext, FunctionMap, TemplateFunction } from './functions.ts';
export { formatGoDuration, goDuration } from './go-duration.ts';
export { formatGoTime, type GoTime, goTime, goTimeFromMs } from './go-time.ts';
export * from './prometheus.ts';
export * from './template-set.ts';
export {
  GO_TYPE,
  type GoType,
  HTML,
  type Method,
  named,
  type ParamType,
  SAFE_URL,
  STRING_MAP,
  typed,
} from './value.ts';
