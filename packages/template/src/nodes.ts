/** The syntax tree of a template, as Go's text/template/parse builds it. Positions are UTF-16 offsets into the text. */
export type Node =
  | TextNode
  | ActionNode
  | IfNode
  | WithNode
  | RangeNode
  | TemplateNode
  | BreakNode
  | ContinueNode
  | PipeNode
  | CommandNode
  | Operand;

export type Operand =
  | IdentifierNode
  | VariableNode
  | FieldNode
  | ChainNode
  | DotNode
  | NilNode
  | BoolNode
  | NumberNode
  | StringNode
  | PipeNode;

interface Placed {
  readonly pos: number;
}

export interface TextNode extends Placed {
  readonly kind: 'text';
  readonly text: string;
}

export interface ActionNode extends Placed {
  readonly kind: 'action';
  readonly pipe: PipeNode;
}

interface Branch extends Placed {
  readonly pipe: PipeNode;
  readonly body: readonly Node[];
  readonly otherwise?: readonly Node[];
}

export interface IfNode extends Branch {
  readonly kind: 'if';
}

export interface WithNode extends Branch {
  readonly kind: 'with';
}

export interface RangeNode extends Branch {
  readonly kind: 'range';
}

export interface TemplateNode extends Placed {
  readonly kind: 'template';
  readonly name: string;
  readonly pipe?: PipeNode;
}

export interface BreakNode extends Placed {
  readonly kind: 'break';
}

export interface ContinueNode extends Placed {
  readonly kind: 'continue';
}

export interface PipeNode extends Placed {
  readonly kind: 'pipe';
  /** Variables set by this pipeline; declared (`:=`) unless `assign`. */
  readonly variables: readonly string[];
  readonly assign: boolean;
  readonly commands: readonly CommandNode[];
}

export interface CommandNode extends Placed {
  readonly kind: 'command';
  readonly args: readonly Operand[];
}

export interface IdentifierNode extends Placed {
  readonly kind: 'identifier';
  readonly name: string;
}

/** `$name` and fields of it. */
export interface VariableNode extends Placed {
  readonly kind: 'variable';
  readonly name: string;
  readonly fields: readonly string[];
}

/** `.a.b`. */
export interface FieldNode extends Placed {
  readonly kind: 'field';
  readonly fields: readonly string[];
}

/** Fields of something else: `(pipeline).a.b`. */
export interface ChainNode extends Placed {
  readonly kind: 'chain';
  readonly operand: Operand;
  readonly fields: readonly string[];
}

export interface DotNode extends Placed {
  readonly kind: 'dot';
}

export interface NilNode extends Placed {
  readonly kind: 'nil';
}

export interface BoolNode extends Placed {
  readonly kind: 'bool';
  readonly value: boolean;
}

/** A constant that may be an integer, a float or either, as it is used. */
export interface NumberNode extends Placed {
  readonly kind: 'number';
  readonly text: string;
  readonly int?: bigint;
  readonly float?: number;
  /** What it is where nothing else is asked for. */
  readonly ideal: 'int' | 'float';
}

export interface StringNode extends Placed {
  readonly kind: 'string';
  readonly value: string;
  /** As written, with its quotes. */
  readonly quoted: string;
}

/** One named template of a set. */
export interface Tree {
  readonly name: string;
  /** The name of the text that it was defined in; errors name this one. */
  readonly parseName: string;
  readonly text: string;
  readonly body: readonly Node[];
}

/** Whether a template has nothing but blanks: such a definition does not replace another. */
export function isEmptyBody(body: readonly Node[]): boolean {
  return body.every((node) => node.kind === 'text' && node.text.trim() === '');
}

/** The source of a node as error messages show it. */
export function printNode(node: Node): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'action':
      return `{{${printNode(node.pipe)}}}`;
    case 'if':
    case 'with':
    case 'range':
      return printBranch(node);
    case 'template':
      return `{{template ${JSON.stringify(node.name)}${node.pipe ? ` ${printNode(node.pipe)}` : ''}}}`;
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`;
    case 'pipe': {
      const declared = node.variables.join(', ');
      const commands = node.commands.map(printNode).join(' | ');
      return declared === '' ? commands : `${declared} ${node.assign ? '=' : ':='} ${commands}`;
    }
    case 'command':
      return node.args.map((arg) => (arg.kind === 'pipe' ? `(${printNode(arg)})` : printNode(arg))).join(' ');
    case 'identifier':
      return node.name;
    case 'variable':
      return [node.name, ...node.fields].join('.');
    case 'field':
      return node.fields.map((f) => `.${f}`).join('');
    case 'chain': {
      const inner = printNode(node.operand);
      return `${node.operand.kind === 'pipe' ? `(${inner})` : inner}${node.fields.map((f) => `.${f}`).join('')}`;
    }
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.text;
    case 'string':
      return node.quoted;
  }
}

function printBranch(node: IfNode | WithNode | RangeNode): string {
  const otherwise = node.otherwise ? `{{else}}${node.otherwise.map(printNode).join('')}` : '';
  return `{{${node.kind} ${printNode(node.pipe)}}}${node.body.map(printNode).join('')}${otherwise}{{end}}`;
}
