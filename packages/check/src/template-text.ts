/** An action `{{ … }}` of a template. */
export interface TemplateAction {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function actionsOf(text: string): readonly TemplateAction[] {
  return [...text.matchAll(/\{\{-?([\s\S]*?)-?\}\}/g)].map((m) => ({
    start: m.index,
    end: m.index + m[0].length,
    text: m[1]!,
  }));
}

/** The labels of the alert that a template reads, with their places. */
export function labelsReadBy(
  text: string,
): readonly { readonly label: string; readonly start: number; readonly end: number }[] {
  const out: { label: string; start: number; end: number }[] = [];
  for (const action of actionsOf(text)) {
    const body = text.slice(action.start, action.end);
    // Inside of `range query …` and `with` the dot is something else; `$labels` is always the alert's.
    for (const m of body.matchAll(/\$labels\.([a-zA-Z_]\w*)|index\s+\$labels\s+"([^"]+)"/g)) {
      const start = action.start + m.index;
      out.push({ label: m[1] ?? m[2]!, start, end: start + m[0].length });
    }
  }
  return out;
}

/** Actions that print the value through a function: `$value | humanizePercentage`, `humanizePercentage $value`. */
export function valueFormatters(
  text: string,
): readonly { readonly func: string; readonly start: number; readonly end: number }[] {
  return actionsOf(text).flatMap((action) => {
    const match = /(?:\$value|\.Value)\s*\|\s*([a-zA-Z]\w*)|\b(humanize\w*)\s+(?:\$value|\.Value)/.exec(action.text);
    return match ? [{ func: match[1] ?? match[2]!, start: action.start, end: action.end }] : [];
  });
}
