import { BelfryError } from '@belfry/model';

/** Where and why a template failed: the `cause` of every `template_failed` error of this room. */
export interface TemplateFault {
  readonly kind: 'template-fault';
  readonly phase: 'parse' | 'execute';
  /** The name that the text was parsed under. */
  readonly template: string;
  /** 1-based; 0 when the fault has no place. */
  readonly line: number;
  /** 0-based, in bytes, as Go counts; −1 when only the line is known. */
  readonly column: number;
  /** What went wrong, without the place. */
  readonly detail: string;
}

/** A `template_failed` error whose message is the one that Go's text/template gives. */
export function templateError(message: string, fault: TemplateFault): BelfryError {
  return new BelfryError('template_failed', message, { cause: fault });
}

/** The structured place and reason inside of an error of this room, if it is one. */
export function templateFault(error: unknown): TemplateFault | undefined {
  if (!(error instanceof BelfryError) || error.code !== 'template_failed') return undefined;
  const cause = error.cause as TemplateFault | undefined;
  return cause?.kind === 'template-fault' ? cause : undefined;
}
