import { type ReactNode, useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** What stands left of the title, such as the folder of a dashboard. */
  readonly crumb?: ReactNode;
  readonly beside?: ReactNode;
  readonly actions?: ReactNode;
  readonly tight?: boolean;
  readonly bare?: boolean;
  readonly children: ReactNode;
}

/** The frame of every page: a bar with the title and what one can do here, and the body that scrolls. */
export function Page({ title, crumb, beside, actions, tight = false, bare = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Belfry`;
  }, [title]);
  return (
    <>
      {!bare && (
        <header className="page-bar">
          {crumb && <span className="crumb">{crumb}</span>}
          <h1 className="ellipsis">{title}</h1>
          {beside}
          <span className="grow" />
          {actions}
        </header>
      )}
      <main className={`page-body ${tight ? 'tight' : ''}`} id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}
