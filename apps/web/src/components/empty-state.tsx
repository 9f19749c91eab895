import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  readonly title: string;
  readonly icon?: Icon;
  /** Why it is empty, and what would fill it. */
  readonly children?: ReactNode;
  readonly roomy?: boolean;
}

/** Nothing is here, and that is no failure. */
export function EmptyState({ title, icon: Picture, children, roomy = false }: EmptyStateProps) {
  return (
    <div className={`state ${roomy ? 'roomy' : ''}`}>
      {Picture && <Picture size={28} stroke={1.4} aria-hidden="true" />}
      <h2>{title}</h2>
      {children && <div className="detail">{children}</div>}
    </div>
  );
}
