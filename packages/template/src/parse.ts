import { quote } from '@belfry/model';
import { templateError } from './fault.ts';
import { isKeyword, lex, type Token, type TokenKind } from './lex.ts';
import {
  type CommandNode,
  isEmptyBody,
  type Node,
  type NumberNode,
  type Operand,
  type PipeNode,
  printNode,
  type Tree,
} from './nodes.ts';
import { parseNumber } from './number.ts';
import { unquote } from './unquote.ts';

/** Nested parentheses and blocks beyond this are refused, as recursion must end before the stack does. */
const MAX_NESTING = 500;

interface End {
  readonly kind: 'end' | 'else';
  readonly pos: number;
}

/** What is being parsed: a cursor over tokens, the variables in scope, the templates defined so far. */
interface State {
  readonly name: string;
  readonly text: string;
  readonly tokens: readonly Token[];
  readonly functions: ReadonlySet<string>;
  readonly defined: Map<string, Tree>;
  at: number;
  variables: string[];
  rangeDepth: number;
  nesting: number;
  actionLine: number;
}

/**
 * Parses a text under a name, into the templates that it defines; the text itself is one of them.
 * @throws BelfryError `template_failed` with Go's message: `template: name:line: what`
 */
export function parseTemplate(name: string, text: string, functions: ReadonlySet<string>): Map<string, Tree> {
  const s: State = {
    name,
    text,
    tokens: lex(text, functions),
    functions,
    defined: new Map(),
    at: 0,
    variables: ['$'],
    rangeDepth: 0,
    nesting: 0,
    actionLine: 0,
  };
  const body: Node[] = [];
  while (peek(s).kind !== 'eof') {
    if (peek(s).kind === 'left-delim') {
      const back = s.at;
      next(s);
      if (nextNonSpace(s).kind === 'define') {
        parseDefinition(s);
        continue;
      }
      s.at = back;
    }
    const node = parseTextOrAction(s);
    if (isEnd(node)) fail(s, `unexpected {{${node.kind}}}`);
    body.push(node);
  }
  define(s, name, body);
  return s.defined;
}

function define(s: State, name: string, body: readonly Node[]): void {
  const known = s.defined.get(name);
  if (known && !isEmptyBody(known.body)) {
    if (!isEmptyBody(body)) fail(s, `template: multiple definition of template ${quote(name)}`);
    return;
  }
  s.defined.set(name, { name, parseName: s.name, text: s.text, body });
}

function parseDefinition(s: State): void {
  const context = 'define clause';
  const name = parseName(s, context);
  expect(s, 'right-delim', context);
  defineBody(s, name, context);
}

function defineBody(s: State, name: string, context: string): void {
  const outer = { variables: s.variables, rangeDepth: s.rangeDepth };
  s.variables = ['$'];
  s.rangeDepth = 0;
  const { list, end } = parseList(s);
  if (end.kind !== 'end') fail(s, `unexpected {{${end.kind}}} in ${context}`);
  s.variables = outer.variables;
  s.rangeDepth = outer.rangeDepth;
  define(s, name, list);
}

function parseName(s: State, context: string): string {
  const token = nextNonSpace(s);
  if (token.kind !== 'string' && token.kind !== 'raw-string') return unexpected(s, token, context);
  return unquoteAt(s, token);
}

function unquoteAt(s: State, token: Token): string {
  const value = unquote(token.text);
  return value === undefined ? fail(s, 'invalid syntax') : value;
}

/** Up to `{{end}}` or `{{else}}`, which is given back with it. */
function parseList(s: State): { list: Node[]; end: End } {
  const list: Node[] = [];
  while (peekNonSpace(s).kind !== 'eof') {
    const node = parseTextOrAction(s);
    if (isEnd(node)) return { list, end: node };
    list.push(node);
  }
  return fail(s, 'unexpected EOF');
}

function isEnd(node: Node | End): node is End {
  return node.kind === 'end' || node.kind === 'else';
}

function parseTextOrAction(s: State): Node | End {
  const token = nextNonSpace(s);
  if (token.kind === 'text') return { kind: 'text', pos: token.pos, text: token.text };
  if (token.kind !== 'left-delim') return unexpected(s, token, 'input');
  s.actionLine = token.line;
  const node = parseAction(s);
  s.actionLine = 0;
  return node;
}

function parseAction(s: State): Node | End {
  const token = nextNonSpace(s);
  switch (token.kind) {
    case 'if':
    case 'with':
    case 'range':
      return parseBranch(s, token.kind, token.pos);
    case 'else': {
      const following = peekNonSpace(s);
      // `{{else if …}}` is read as `{{else}}{{if …}}`, sharing one end.
      if (following.kind === 'if' || following.kind === 'with') return { kind: 'else', pos: following.pos };
      return { kind: 'else', pos: expect(s, 'right-delim', 'else').pos };
    }
    case 'end':
      return { kind: 'end', pos: expect(s, 'right-delim', 'end').pos };
    case 'break':
    case 'continue': {
      const after = nextNonSpace(s);
      if (after.kind !== 'right-delim') unexpected(s, after, `{{${token.kind}}}`);
      if (s.rangeDepth === 0) fail(s, `{{${token.kind}}} outside {{range}}`);
      return { kind: token.kind, pos: token.pos };
    }
    case 'template': {
      const context = 'template clause';
      const { pos } = peekNonSpace(s);
      const name = parseName(s, context);
      if (nextNonSpace(s).kind === 'right-delim') return { kind: 'template', pos, name };
      s.at--;
      return { kind: 'template', pos, name, pipe: parsePipeline(s, context, 'right-delim') };
    }
    case 'block': {
      const context = 'block clause';
      const { pos } = peekNonSpace(s);
      const name = parseName(s, context);
      const pipe = parsePipeline(s, context, 'right-delim');
      nested(s, () => defineBody(s, name, context));
      return { kind: 'template', pos, name, pipe };
    }
    default: {
      s.at--;
      const pos = peek(s).pos;
      return { kind: 'action', pos, pipe: parsePipeline(s, 'command', 'right-delim') };
    }
  }
}

function parseBranch(s: State, kind: 'if' | 'with' | 'range', pos: number): Node {
  return nested(s, () => {
    const scope = s.variables.length;
    const pipe = parsePipeline(s, kind, 'right-delim');
    if (kind === 'range') s.rangeDepth++;
    const { list: body, end } = parseList(s);
    if (kind === 'range') s.rangeDepth--;
    let otherwise: readonly Node[] | undefined;
    if (end.kind === 'else') {
      const following = peek(s);
      if ((kind === 'if' || kind === 'with') && following.kind === kind) {
        next(s);
        otherwise = [parseBranch(s, kind, following.pos)];
      } else {
        const rest = parseList(s);
        if (rest.end.kind !== 'end') fail(s, `expected end; found {{${rest.end.kind}}}`);
        otherwise = rest.list;
      }
    }
    s.variables.length = scope;
    return { kind, pos, pipe, body, ...(otherwise ? { otherwise } : {}) };
  });
}

function nested<T>(s: State, parse: () => T): T {
  if (++s.nesting > MAX_NESTING) fail(s, `nested deeper than ${MAX_NESTING} levels`);
  const result = parse();
  s.nesting--;
  return result;
}

const OPERAND_STARTS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'char-constant',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'raw-string',
  'string',
  'variable',
  'left-paren',
]);

function parsePipeline(s: State, context: string, end: TokenKind): PipeNode {
  const { pos } = peekNonSpace(s);
  const { variables, assign } = parseDeclarations(s, context);
  const commands: CommandNode[] = [];
  for (;;) {
    const token = nextNonSpace(s);
    if (token.kind === end) break;
    if (!OPERAND_STARTS.has(token.kind)) unexpected(s, token, context);
    s.at--;
    commands.push(parseCommand(s));
  }
  if (commands.length === 0) fail(s, `missing value for ${context}`);
  commands.slice(1).forEach((command, i) => {
    // What is no function, method or variable cannot take the value piped into it.
    if (['bool', 'dot', 'nil', 'number', 'string'].includes(command.args[0]!.kind)) {
      fail(s, `non executable command in pipeline stage ${i + 2}`);
    }
  });
  return { kind: 'pipe', pos, variables, assign, commands };
}

function parseDeclarations(s: State, context: string): { variables: string[]; assign: boolean } {
  const variables: string[] = [];
  while (peekNonSpace(s).kind === 'variable') {
    const back = s.at;
    const variable = next(s);
    const following = peekNonSpace(s);
    if (following.kind === 'assign' || following.kind === 'declare') {
      nextNonSpace(s);
      variables.push(variable.text);
      s.variables.push(variable.text);
      return { variables, assign: following.kind === 'assign' };
    }
    if (following.kind !== 'char' || following.text !== ',') {
      s.at = back;
      break;
    }
    nextNonSpace(s);
    variables.push(variable.text);
    s.variables.push(variable.text);
    if (context !== 'range' || variables.length >= 2) fail(s, `too many declarations in ${context}`);
    const { kind } = peekNonSpace(s);
    if (kind !== 'variable' && kind !== 'right-delim' && kind !== 'right-paren') {
      fail(s, 'range can only initialize variables');
    }
  }
  return { variables, assign: false };
}

function parseCommand(s: State): CommandNode {
  const { pos } = peekNonSpace(s);
  const args: Operand[] = [];
  for (;;) {
    peekNonSpace(s);
    const operand = parseOperand(s);
    if (operand) args.push(operand);
    const token = next(s);
    if (token.kind === 'space') continue;
    if (token.kind === 'right-delim' || token.kind === 'right-paren') s.at--;
    else if (token.kind !== 'pipe') unexpected(s, token, 'operand');
    break;
  }
  if (args.length === 0) fail(s, 'empty command');
  return { kind: 'command', pos, args };
}

function parseOperand(s: State): Operand | undefined {
  const term = parseTerm(s);
  if (!term || peek(s).kind !== 'field') return term;
  const { pos } = peek(s);
  const fields: string[] = [];
  while (peek(s).kind === 'field') fields.push(next(s).text.slice(1));
  switch (term.kind) {
    case 'field':
      return { kind: 'field', pos, fields: [...term.fields, ...fields] };
    case 'variable':
      return { kind: 'variable', pos, name: term.name, fields: [...term.fields, ...fields] };
    case 'bool':
    case 'string':
    case 'number':
    case 'nil':
    case 'dot':
      return fail(s, `unexpected . after term ${quote(printNode(term))}`);
    default:
      return { kind: 'chain', pos, operand: term, fields };
  }
}

function parseTerm(s: State): Operand | undefined {
  const token = nextNonSpace(s);
  const { pos } = token;
  switch (token.kind) {
    case 'identifier':
      if (!s.functions.has(token.text)) fail(s, `function ${quote(token.text)} not defined`);
      return { kind: 'identifier', pos, name: token.text };
    case 'dot':
    case 'nil':
      return { kind: token.kind, pos };
    case 'variable':
      if (!s.variables.includes(token.text)) fail(s, `undefined variable ${quote(token.text)}`);
      return { kind: 'variable', pos, name: token.text, fields: [] };
    case 'field':
      return { kind: 'field', pos, fields: [token.text.slice(1)] };
    case 'bool':
      return { kind: 'bool', pos, value: token.text === 'true' };
    case 'number':
    case 'char-constant':
      return parseNumberAt(s, token);
    case 'left-paren':
      return nested(s, () => parsePipeline(s, 'parenthesized pipeline', 'right-paren'));
    case 'string':
    case 'raw-string':
      return { kind: 'string', pos, value: unquoteAt(s, token), quoted: token.text };
    default:
      s.at--;
      return undefined;
  }
}

function parseNumberAt(s: State, token: Token): NumberNode {
  const number = parseNumber(token.text);
  if (typeof number === 'string') return fail(s, number);
  return { kind: 'number', pos: token.pos, text: token.text, ...number };
}

function peek(s: State): Token {
  return s.tokens[s.at] ?? s.tokens[s.tokens.length - 1]!;
}

function next(s: State): Token {
  const token = peek(s);
  if (s.at < s.tokens.length) s.at++;
  return token;
}

function peekNonSpace(s: State): Token {
  while (peek(s).kind === 'space') s.at++;
  return peek(s);
}

function nextNonSpace(s: State): Token {
  peekNonSpace(s);
  return next(s);
}

function expect(s: State, kind: TokenKind, context: string): Token {
  const token = nextNonSpace(s);
  return token.kind === kind ? token : unexpected(s, token, context);
}

function unexpected(s: State, token: Token, context: string): never {
  if (token.kind === 'error') {
    let extra = '';
    if (s.actionLine !== 0 && s.actionLine !== token.line) {
      const started = ` started at ${s.name}:${s.actionLine}`;
      extra = token.text.endsWith(' action') ? started : ` in action${started}`;
    }
    fail(s, `${token.text}${extra}`, token);
  }
  return fail(s, `unexpected ${showToken(token)} in ${context}`, token);
}

function showToken(token: Token): string {
  if (token.kind === 'eof') return 'EOF';
  if (token.kind === 'error') return token.text;
  if (isKeyword(token.kind)) return `<${token.text}>`;
  const MAX_SHOWN = 10;
  const chars = [...token.text];
  return chars.length > MAX_SHOWN ? `${quote(chars.slice(0, MAX_SHOWN).join(''))}...` : quote(token.text);
}

function fail(s: State, detail: string, token = s.tokens[Math.max(0, Math.min(s.at, s.tokens.length) - 1)]!): never {
  throw templateError(`template: ${s.name}:${token.line}: ${detail}`, {
    kind: 'template-fault',
    phase: 'parse',
    template: s.name,
    line: token.line,
    column: -1,
    detail,
  });
}
