import { type Clock, quote } from '@belfry/model';
import { BUILTINS } from './builtins.ts';
import { templateError } from './fault.ts';
import { formatValue } from './format.ts';
import type { CallContext, FunctionMap, TemplateFunction } from './functions.ts';
import { escapeForContext, feedHtml, type HtmlContext, htmlContext } from './html.ts';
import {
  type CommandNode,
  type Node,
  type NumberNode,
  type Operand,
  type PipeNode,
  printNode,
  type RangeNode,
  type TemplateNode,
  type Tree,
} from './nodes.ts';
import {
  type GoType,
  goType,
  HTML,
  kindOf,
  type MapLike,
  mapGet,
  mapHas,
  mapKeys,
  mapZero,
  methodOf,
  named,
  type ParamType,
  primitive,
  truth,
  typeName,
} from './value.ts';

/** Templates calling templates deeper than this are refused. */
export const MAX_TEMPLATE_DEPTH = 300;

/** What a missing key of a map gives: its zero value (as Prometheus and Alertmanager ask for), no value, or an error. */
export type MissingKey = 'zero' | 'default' | 'error';

export interface ExecuteOptions<Host> {
  /** The template of a name, for `template`, `block` and functions that render others. */
  readonly lookUp: (name: string) => Tree | undefined;
  readonly functions: FunctionMap<Host>;
  readonly host: Host;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  readonly html: boolean;
  readonly missingKey: MissingKey;
  readonly maxOutputBytes: number;
  readonly maxSteps: number;
}

/**
 * The interpreter is written as generators: it runs straight on, and yields only where a function gave a promise,
 * to be resumed with what that came to. So one text serves the synchronous and the asynchronous rendering.
 */
export type Run<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** Shared by all templates of one rendering. */
interface Job<Host> extends ExecuteOptions<Host> {
  readonly out: string[];
  readonly context: HtmlContext | undefined;
  bytes: number;
  steps: number;
}

/** One template at work. */
interface Frame<Host> {
  readonly job: Job<Host>;
  readonly tree: Tree;
  readonly depth: number;
  readonly names: string[];
  readonly values: unknown[];
  /** The node that an error now would be about. */
  node: Node;
}

type Flow = 'break' | 'continue' | undefined;

/** "No value is piped in": unlike a piped value that is nil or absent. */
const NOTHING = Symbol('nothing piped');

/** Runs a template over data; the text written is the result. @throws BelfryError `template_failed`, `limit_exceeded` */
export function* execute<Host>(tree: Tree, data: unknown, options: ExecuteOptions<Host>): Run<string> {
  const job: Job<Host> = {
    ...options,
    out: [],
    bytes: 0,
    steps: 0,
    context: options.html ? htmlContext() : undefined,
  };
  try {
    yield* runTree(job, tree, data, 0);
  } catch (error) {
    // The limits on nesting and depth each leave room; only both together, and deep data, can use up the stack.
    if (!(error instanceof RangeError)) throw error;
    fail({ job, tree, depth: 0, names: [], values: [], node: tree.body[0]! }, 'nested too deeply');
  }
  return job.out.join('');
}

function* runTree<Host>(job: Job<Host>, tree: Tree, data: unknown, depth: number): Run<void> {
  const node: Node = tree.body[0] ?? { kind: 'text', pos: 0, text: '' };
  const frame: Frame<Host> = { job, tree, depth, names: ['$'], values: [data], node };
  yield* walkList(frame, data, tree.body);
}

function* walkList<Host>(f: Frame<Host>, dot: unknown, list: readonly Node[]): Run<Flow> {
  for (const node of list) {
    if (node.kind === 'text') {
      writeText(f, node.text);
      continue;
    }
    const flow = yield* walk(f, dot, node);
    if (flow) return flow;
  }
  return undefined;
}

function* walk<Host>(f: Frame<Host>, dot: unknown, node: Node): Run<Flow> {
  step(f);
  f.node = node;
  switch (node.kind) {
    case 'action': {
      const value = yield* evalPipeline(f, dot, node.pipe);
      if (node.pipe.variables.length === 0) {
        f.node = node;
        writeValue(f, node, value);
      }
      return undefined;
    }
    case 'if':
    case 'with': {
      const scope = f.names.length;
      const value = yield* evalPipeline(f, dot, node.pipe);
      let flow: Flow;
      if (truth(value)) flow = yield* walkList(f, node.kind === 'with' ? value : dot, node.body);
      else if (node.otherwise) flow = yield* walkList(f, dot, node.otherwise);
      popTo(f, scope);
      return flow;
    }
    case 'range':
      return yield* walkRange(f, dot, node);
    case 'template':
      yield* walkTemplate(f, dot, node);
      return undefined;
    case 'break':
    case 'continue':
      return node.kind;
    default:
      return fail(f, `unknown node: ${node.kind}`);
  }
}

function* walkRange<Host>(f: Frame<Host>, dot: unknown, node: RangeNode): Run<Flow> {
  const scope = f.names.length;
  const value = primitive(yield* evalPipeline(f, dot, node.pipe));
  const inner = f.names.length;
  const { variables, assign } = node.pipe;
  let ran = false;
  for (const [index, element] of rangeItems(f, value, variables.length)) {
    ran = true;
    step(f);
    if (variables.length === 2) {
      setRangeVariable(f, variables[0]!, index, assign, inner - 2);
      setRangeVariable(f, variables[1]!, element, assign, inner - 1);
    } else if (variables.length === 1) setRangeVariable(f, variables[0]!, element, assign, inner - 1);
    const flow = yield* walkList(f, element, node.body);
    popTo(f, inner);
    if (flow === 'break') break;
  }
  let flow: Flow;
  if (!ran && node.otherwise) flow = yield* walkList(f, dot, node.otherwise);
  popTo(f, scope);
  return flow;
}

function setRangeVariable<Host>(f: Frame<Host>, name: string, value: unknown, assign: boolean, slot: number): void {
  if (assign) setVariable(f, name, value);
  else f.values[slot] = value;
}

function* rangeItems<Host>(f: Frame<Host>, value: unknown, variables: number): Generator<[unknown, unknown]> {
  switch (kindOf(value)) {
    case 'slice': {
      const list = value as readonly unknown[];
      for (let i = 0; i < list.length; i++) yield [BigInt(i), list[i] === undefined ? null : list[i]];
      return;
    }
    case 'map': {
      const map = value as MapLike;
      for (const key of mapKeys(map)) yield [key, mapGet(map, key)];
      return;
    }
    case 'int':
      if (variables > 1) fail(f, `can't use ${formatValue(value)} to iterate over more than one variable`);
      for (let i = 0n; i < (value as bigint); i++) yield [i, i];
      return;
    case 'invalid':
    case 'nil':
      return;
    default:
      fail(f, `range can't iterate over ${formatValue(value)}`);
  }
}

function* walkTemplate<Host>(f: Frame<Host>, dot: unknown, node: TemplateNode): Run<void> {
  const tree = f.job.lookUp(node.name);
  if (!tree) return fail(f, `template ${quote(node.name)} not defined`);
  if (f.depth >= MAX_TEMPLATE_DEPTH) return fail(f, `exceeded maximum template depth (${MAX_TEMPLATE_DEPTH})`);
  const data = node.pipe ? yield* evalPipeline(f, dot, node.pipe) : undefined;
  yield* runTree(f.job, tree, data, f.depth + 1);
}

function* evalPipeline<Host>(f: Frame<Host>, dot: unknown, pipe: PipeNode): Run<unknown> {
  f.node = pipe;
  let value: unknown = NOTHING;
  for (const command of pipe.commands) {
    value = yield* evalCommand(f, dot, command, value);
    if (value === null) value = undefined;
  }
  for (const variable of pipe.variables) {
    if (pipe.assign) setVariable(f, variable, value);
    else {
      f.names.push(variable);
      f.values.push(value);
    }
  }
  return value;
}

function* evalCommand<Host>(f: Frame<Host>, dot: unknown, command: CommandNode, piped: unknown): Run<unknown> {
  step(f);
  const { args } = command;
  const first = args[0]!;
  switch (first.kind) {
    case 'field':
      f.node = first;
      return yield* evalFields(f, dot, dot, first, first.fields, args, piped);
    case 'chain':
      return yield* evalChain(f, dot, first, args, piped);
    case 'identifier':
      f.node = first;
      return yield* evalFunction(f, dot, first.name, command, args, piped);
    case 'pipe':
      refuseArguments(f, args, piped);
      return yield* evalPipeline(f, dot, first);
    case 'variable':
      return yield* evalVariable(f, dot, first, args, piped);
    default:
  }
  f.node = first;
  refuseArguments(f, args, piped);
  switch (first.kind) {
    case 'bool':
    case 'string':
      return first.value;
    case 'dot':
      return dot;
    case 'nil':
      return fail(f, 'nil is not a command');
    case 'number':
      return idealConstant(f, first);
    default:
      return fail(f, `can't evaluate command ${quote(printNode(first))}`);
  }
}

function refuseArguments<Host>(f: Frame<Host>, args: readonly Operand[], piped: unknown): void {
  if (args.length > 1 || piped !== NOTHING) fail(f, `can't give argument to non-function ${printNode(args[0]!)}`);
}

function idealConstant<Host>(f: Frame<Host>, node: NumberNode): unknown {
  if (node.ideal === 'float') return node.float;
  if (node.int! >= 2n ** 63n) return fail(f, `${node.text} overflows int`);
  return node.int;
}

function* evalVariable<Host>(
  f: Frame<Host>,
  dot: unknown,
  node: Operand & { kind: 'variable' },
  args: readonly Operand[],
  piped: unknown,
): Run<unknown> {
  f.node = node;
  const slot = f.names.lastIndexOf(node.name);
  if (slot < 0) return fail(f, `undefined variable: ${node.name}`);
  const value = f.values[slot];
  if (node.fields.length === 0) {
    refuseArguments(f, args, piped);
    return value;
  }
  return yield* evalFields(f, dot, value, node, node.fields, args, piped);
}

function* evalChain<Host>(
  f: Frame<Host>,
  dot: unknown,
  node: Operand & { kind: 'chain' },
  args: readonly Operand[],
  piped: unknown,
): Run<unknown> {
  f.node = node;
  if (node.operand.kind === 'nil') return fail(f, `indirection through explicit nil in ${printNode(node)}`);
  const receiver = yield* evalArg(f, dot, 'raw', node.operand);
  return yield* evalFields(f, dot, receiver, node, node.fields, args, piped);
}

function* evalFields<Host>(
  f: Frame<Host>,
  dot: unknown,
  receiver: unknown,
  node: Operand,
  fields: readonly string[],
  args: readonly Operand[],
  piped: unknown,
): Run<unknown> {
  for (let i = 0; i < fields.length - 1; i++) {
    receiver = yield* evalField(f, dot, fields[i]!, node, [], NOTHING, receiver);
  }
  return yield* evalField(f, dot, fields[fields.length - 1]!, node, args, piped, receiver);
}

function* evalField<Host>(
  f: Frame<Host>,
  dot: unknown,
  name: string,
  node: Operand,
  args: readonly Operand[],
  piped: unknown,
  receiver: unknown,
): Run<unknown> {
  if (receiver === undefined) {
    if (f.job.missingKey === 'error') fail(f, `nil data; no entry for key ${quote(name)}`);
    return undefined;
  }
  if (receiver === null) return fail(f, `nil pointer evaluating interface {}.${name}`);
  const method = methodOf(receiver, name);
  if (method) {
    const argv = yield* evalArguments(f, dot, name, method.params ?? [], method.variadic === true, args, piped);
    return yield* callSafely(f, node, name, () => method.call(receiver as never, argv as never[]));
  }
  const hasArguments = args.length > 1 || piped !== NOTHING;
  const kind = kindOf(receiver);
  if (kind === 'struct' && Object.hasOwn(receiver as object, name)) {
    if (hasArguments) return fail(f, `${name} has arguments but cannot be invoked as function`);
    return fieldValue((receiver as Record<string, unknown>)[name]);
  }
  if (kind === 'map') {
    const found = lookUp(f, receiver as MapLike, name);
    if (typeof found === 'function') {
      const argv = yield* evalArguments(f, dot, name, ['any'], true, args, piped);
      return yield* callSafely(f, node, name, () => found.apply(receiver, argv));
    }
    if (hasArguments) return fail(f, `${name} is not a method but has arguments`);
    return found;
  }
  return fail(f, `can't evaluate field ${name} in type ${typeName(receiver)}`);
}

function fieldValue(value: unknown): unknown {
  return value === undefined ? null : value;
}

function lookUp<Host>(f: Frame<Host>, map: MapLike, name: string): unknown {
  if (mapHas(map, name)) return mapGet(map, name);
  if (f.job.missingKey === 'zero') return mapZero(map);
  if (f.job.missingKey === 'error') fail(f, `map has no entry for key ${quote(name)}`);
  return undefined;
}

function* evalFunction<Host>(
  f: Frame<Host>,
  dot: unknown,
  name: string,
  node: Node,
  args: readonly Operand[],
  piped: unknown,
): Run<unknown> {
  const { functions } = f.job;
  const own = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!own && (name === 'and' || name === 'or')) return yield* shortCircuit(f, dot, name, args, piped);
  const fn = own ?? (BUILTINS[name] as TemplateFunction<Host> | undefined);
  if (!fn) return fail(f, `${quote(name)} is not a defined function`);
  const argv = yield* evalArguments(f, dot, name, fn.params, fn.variadic === true, args, piped);
  return yield* callSafely(f, node, name, () => fn.call(argv, callContext(f)));
}

function callContext<Host>(f: Frame<Host>): CallContext<Host> {
  const { host, clock, signal } = f.job;
  return {
    host,
    clock,
    signal,
    renderNamed: (name, data): Nested => ({ kind: NESTED, name, data }),
  };
}

/** A request of a function to render another template in its place; the executor fulfils it. */
interface Nested {
  readonly kind: typeof NESTED;
  readonly name: string;
  readonly data: unknown;
}

const NESTED = Symbol('nested template');

function isNested(value: unknown): value is Nested {
  return typeof value === 'object' && value !== null && (value as Nested).kind === NESTED;
}

function* renderNested<Host>(f: Frame<Host>, { name, data }: Nested): Run<unknown> {
  const { job } = f;
  const tree = job.lookUp(name);
  if (!tree) throw new Error(`template: no template ${quote(name)} associated with template ${quote(f.tree.name)}`);
  if (f.depth >= MAX_TEMPLATE_DEPTH) return fail(f, `exceeded maximum template depth (${MAX_TEMPLATE_DEPTH})`);
  const inner: Job<Host> = { ...job, out: [], context: job.html ? htmlContext() : undefined };
  yield* runTree(inner, tree, data, f.depth + 1);
  job.steps = inner.steps;
  const text = inner.out.join('');
  return job.html ? named(HTML, text) : text;
}

function* shortCircuit<Host>(
  f: Frame<Host>,
  dot: unknown,
  name: 'and' | 'or',
  args: readonly Operand[],
  piped: unknown,
): Run<unknown> {
  const given = args.length - 1 + (piped === NOTHING ? 0 : 1);
  if (given < 1) return fail(f, `wrong number of args for ${name}: want at least 1 got ${args.length - 1}`);
  let value: unknown;
  for (let i = 1; i < args.length; i++) {
    value = yield* evalArg(f, dot, 'raw', args[i]!);
    if (truth(value) === (name === 'or')) return value;
  }
  return piped === NOTHING ? value : piped;
}

function* evalArguments<Host>(
  f: Frame<Host>,
  dot: unknown,
  name: string,
  params: readonly ParamType[],
  variadic: boolean,
  args: readonly Operand[],
  piped: unknown,
): Run<unknown[]> {
  const given = Math.max(0, args.length - 1);
  const total = given + (piped === NOTHING ? 0 : 1);
  const fixed = variadic ? params.length - 1 : params.length;
  if (variadic && total < fixed) {
    return fail(f, `wrong number of args for ${name}: want at least ${fixed} got ${given}`);
  }
  if (!variadic && total !== fixed) return fail(f, `wrong number of args for ${name}: want ${fixed} got ${total}`);
  const typeAt = (i: number): ParamType => params[Math.min(i, params.length - 1)]!;
  const argv: unknown[] = [];
  for (let i = 0; i < given; i++) argv.push(yield* evalArg(f, dot, typeAt(i), args[i + 1]!));
  if (piped !== NOTHING) argv.push(validate(f, piped, typeAt(given)));
  return argv;
}

function* callSafely<Host>(f: Frame<Host>, node: Node, name: string, call: () => unknown): Run<unknown> {
  step(f);
  let result: unknown;
  try {
    result = call();
    if (isPromise(result)) result = yield result;
    if (isNested(result)) result = yield* renderNested(f, result);
  } catch (error) {
    if (f.job.signal?.aborted) throw f.job.signal.reason;
    f.node = node;
    return fail(f, `error calling ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof result === 'string' && result.length > f.job.maxOutputBytes) tooMuchOutput(f);
  return result;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

function* evalArg<Host>(f: Frame<Host>, dot: unknown, type: ParamType, node: Operand): Run<unknown> {
  f.node = node;
  switch (node.kind) {
    case 'dot':
      return validate(f, dot, type);
    case 'nil':
      if (canBeNil(type)) return null;
      return fail(f, `cannot assign nil to ${paramName(type)}`);
    case 'field':
      return validate(f, yield* evalFields(f, dot, dot, node, node.fields, [node], NOTHING), type);
    case 'variable':
      return validate(f, yield* evalVariable(f, dot, node, [], NOTHING), type);
    case 'pipe':
      return validate(f, yield* evalPipeline(f, dot, node), type);
    case 'identifier':
      return validate(f, yield* evalFunction(f, dot, node.name, node, [], NOTHING), type);
    case 'chain':
      return validate(f, yield* evalChain(f, dot, node, [], NOTHING), type);
    default:
      return constantFor(f, type, node);
  }
}

/** A literal as the parameter wants it: whole floats serve as integers, integers as floats, nothing else converts. */
function constantFor<Host>(f: Frame<Host>, type: ParamType, node: Operand): unknown {
  const kind = typeof type === 'string' ? type : type.kind;
  const expected = (what: string) => fail(f, `expected ${what}; found ${printNode(node)}`);
  switch (kind) {
    case 'raw':
    case 'any':
      if (node.kind === 'number') return idealConstant(f, node);
      if (node.kind === 'bool' || node.kind === 'string') return node.value;
      return fail(f, `can't handle assignment of ${printNode(node)} to empty interface argument`);
    case 'bool':
      return node.kind === 'bool' ? node.value : expected('bool');
    case 'string':
      return node.kind === 'string' ? wrapAs(type, node.value) : expected('string');
    case 'float':
    case 'float64':
      return node.kind === 'number' && node.float !== undefined ? wrapAs(type, node.float) : expected('float');
    case 'int':
      return node.kind === 'number' && node.int !== undefined ? wrapAs(type, node.int) : expected('integer');
    default:
      return fail(f, `can't handle ${printNode(node)} for arg of type ${paramName(type)}`);
  }
}

function wrapAs(type: ParamType, value: string | number | bigint): unknown {
  return typeof type === 'string' ? value : named(type, value);
}

function canBeNil(type: ParamType): boolean {
  if (typeof type !== 'string') return type.kind === 'map' || type.kind === 'slice' || type.pointer === true;
  return type === 'raw' || type === 'any';
}

function paramName(type: ParamType): string {
  if (typeof type === 'string') return type === 'any' ? 'interface {}' : type === 'raw' ? 'reflect.Value' : type;
  return type.pointer ? `*${type.name}` : type.name;
}

function validate<Host>(f: Frame<Host>, value: unknown, type: ParamType): unknown {
  if (type === 'raw') return value;
  if (value === undefined || value === null) {
    if (canBeNil(type)) return null;
    return fail(f, `invalid value; expected ${paramName(type)}`);
  }
  if (type === 'any' || accepts(type, value)) return value;
  return fail(f, `wrong type for value; expected ${paramName(type)}; got ${typeName(value)}`);
}

function accepts(type: Exclude<ParamType, 'raw' | 'any'>, value: unknown): boolean {
  if (typeof type === 'string') {
    const kind = kindOf(value);
    return goType(value) === undefined && (type === 'float64' ? kind === 'float' : kind === type);
  }
  const own: GoType | undefined = goType(value);
  if (own) return own === type || (own.kind === type.kind && isUnnamed(own, type));
  // Plain lists and maps of the host stand for any list or map.
  return (type.kind === 'slice' && Array.isArray(value)) || (type.kind === 'map' && kindOf(value) === 'map');
}

/** Go assigns between a named and an unnamed type with the same shape: `KV` to `map[string]string`. */
function isUnnamed(a: GoType, b: GoType): boolean {
  if (a.kind !== 'map' && a.kind !== 'slice') return false;
  return /^(map\[|\[\])/.test(a.name) || /^(map\[|\[\])/.test(b.name);
}

function setVariable<Host>(f: Frame<Host>, name: string, value: unknown): void {
  const slot = f.names.lastIndexOf(name);
  if (slot < 0) fail(f, `undefined variable: ${name}`);
  f.values[slot] = value;
}

function popTo<Host>(f: Frame<Host>, length: number): void {
  f.names.length = length;
  f.values.length = length;
}

function step<Host>(f: Frame<Host>): void {
  const { job } = f;
  if (++job.steps > job.maxSteps) fail(f, `stopped after ${job.maxSteps} steps`);
  if (job.signal?.aborted) throw job.signal.reason;
}

function writeText<Host>(f: Frame<Host>, text: string): void {
  write(f, f.job.context ? feedHtml(f.job.context, text) : text);
}

function writeValue<Host>(f: Frame<Host>, node: Node, value: unknown): void {
  if (typeof value === 'function') fail(f, `can't print ${printNode(node)} of type func()`);
  const { context } = f.job;
  if (context) write(f, escapeForContext(context, value));
  else write(f, value === undefined ? '<no value>' : typeof value === 'string' ? value : formatValue(value));
}

function write<Host>(f: Frame<Host>, text: string): void {
  const { job } = f;
  job.bytes += Buffer.byteLength(text);
  if (job.bytes > job.maxOutputBytes) tooMuchOutput(f);
  job.out.push(text);
}

function tooMuchOutput<Host>(f: Frame<Host>): never {
  return fail(f, `more than ${f.job.maxOutputBytes} bytes of output`);
}

function fail<Host>(f: Frame<Host>, detail: string): never {
  const { text, name, parseName } = f.tree;
  const { pos } = f.node;
  const before = text.slice(0, pos);
  const line = before.split('\n').length;
  const column = Buffer.byteLength(before.slice(before.lastIndexOf('\n') + 1));
  const place = `${parseName}:${line}:${column}`;
  const message = `template: ${place}: executing ${quote(name)} at <${printNode(f.node)}>: ${detail}`;
  throw templateError(message, {
    kind: 'template-fault',
    phase: 'execute',
    template: parseName,
    line,
    column,
    detail,
  });
}
