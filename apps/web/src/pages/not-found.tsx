import { IconMapQuestion } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';
import { EmptyState } from '../components/empty-state.tsx';
import { Page } from '../components/page.tsx';

export function NotFound() {
  const { pathname } = useLocation();
  return (
    <Page title="Not found">
      <EmptyState roomy icon={IconMapQuestion} title={`There is no page at ${pathname}`}>
        <Link to="/">Home</Link>
      </EmptyState>
    </Page>
  );
}
