import type { Labels } from '../api/prometheus.ts';

interface LabelListProps {
  readonly labels: Labels;
  /** Names that are shown elsewhere. */
  readonly without?: readonly string[];
  readonly onPick?: (name: string, value: string) => void;
}

/** Labels as PromQL writes them; each can be picked where the page filters by them. */
export function LabelList({ labels, without = [], onPick }: LabelListProps) {
  const entries = Object.entries(labels).filter(([name]) => !without.includes(name));
  if (entries.length === 0) return <span className="faint">–</span>;
  return (
    <span className="labels">
      {entries.map(([name, value]) => {
        const inner = (
          <>
            <b>{name}=</b>
            <span>"{value}"</span>
          </>
        );
        const title = `${name}="${value}"`;
        return onPick ? (
          <button
            key={name}
            type="button"
            className="label"
            title={`Filter by ${title}`}
            onClick={() => onPick(name, value)}
          >
            {inner}
          </button>
        ) : (
          <span key={name} className="label" title={title}>
            {inner}
          </span>
        );
      })}
    </span>
  );
}
