import type { Clock } from '@belfry/model';
import type { ParamType } from './value.ts';

/** What a function of the host may use while a template is rendered. */
export interface CallContext<Host> {
  /** Given to the render call; what the functions of a set need of the world. */
  readonly host: Host;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Renders another template of the set, for `tmpl`. */
  readonly renderNamed: (name: string, data: unknown) => unknown;
}

/**
 * A function that templates may call. It throws an Error whose message is shown as `error calling NAME: …`.
 * A promise as result is awaited; such a template needs the asynchronous `render`.
 */
export interface TemplateFunction<Host = unknown> {
  readonly params: readonly ParamType[];
  /** The last parameter may be given any number of times, also never. */
  readonly variadic?: boolean;
  readonly call: (args: readonly unknown[], context: CallContext<Host>) => unknown;
}

export type FunctionMap<Host = unknown> = Readonly<Record<string, TemplateFunction<Host>>>;
