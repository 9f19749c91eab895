import type { Check } from '../check.ts';
import { metricUnknown } from './metric-unknown.ts';
import { parseError } from './parse-error.ts';
import { yamlSyntax } from './yaml-syntax.ts';

/** Every check, by name. */
export const CHECKS: readonly Check[] = [metricUnknown, parseError, yamlSyntax];
