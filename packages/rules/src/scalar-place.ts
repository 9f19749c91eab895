import type { SourceRange } from '@belfry/model';

/**
 * Where in a YAML file a place of a scalar's value stands, for plain and quoted scalars on one line and for block
 * scalars (`|`, `>`). Nothing where folding or escapes make that a guess.
 */
export function placeInScalar(source: string, scalar: SourceRange, inside: SourceRange): SourceRange | undefined {
  const lines = source.split('\n');
  const first = lines[scalar.line - 1]?.slice(scalar.column - 1) ?? '';
  if (/^[|>]/.test(first)) return placeInBlock(lines, scalar, inside);
  if (scalar.endLine !== scalar.line || inside.line !== 1 || inside.endLine !== 1) return undefined;
  const quoted = /^["']/.test(first) ? 1 : 0;
  const written = first.slice(quoted, scalar.endColumn - scalar.column);
  // An escape before the place would move it.
  if (quoted && /\\|''/.test(written)) return undefined;
  return onLine(scalar.line, scalar.column + quoted - 1, inside);
}

function placeInBlock(lines: readonly string[], scalar: SourceRange, inside: SourceRange): SourceRange | undefined {
  const folded = lines[scalar.line - 1]?.[scalar.column - 1] === '>';
  if (folded && (inside.line !== 1 || inside.endLine !== 1)) return undefined;
  // Blank lines before the first line of content belong to the value.
  let firstContent = scalar.line;
  while (firstContent < lines.length && lines[firstContent]!.trim() === '') firstContent++;
  const indent = /^ */.exec(lines[firstContent] ?? '')![0].length;
  const line = scalar.line + inside.line;
  const content = lines[line - 1] ?? '';
  // In a folded scalar the value goes on where the line ends.
  if (folded && inside.column > content.length - indent + 1) return undefined;
  return onLine(line, indent, inside);
}

function onLine(line: number, shift: number, inside: SourceRange): SourceRange {
  return {
    line,
    column: shift + inside.column,
    endLine: line + inside.endLine - inside.line,
    endColumn: shift + inside.endColumn,
  };
}
