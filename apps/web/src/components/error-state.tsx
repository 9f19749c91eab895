import { Button } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { isApiError } from '../api/http.ts';

interface ErrorStateProps {
  readonly error: unknown;
  readonly title?: string;
  readonly onRetry?: () => void;
  readonly inline?: boolean;
}

/** Something failed: what, in the server's own words, and a way to try again. */
export function ErrorState({ error, title, onRetry, inline = false }: ErrorStateProps) {
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className={`state error ${inline ? 'inline' : ''}`} role="alert">
      <IconAlertTriangle size={inline ? 18 : 26} stroke={1.5} aria-hidden="true" />
      <h2>{title ?? titleOf(error)}</h2>
      <div className="detail mono">{message}</div>
      {onRetry && (
        <Button size="compact-sm" variant="default" onClick={onRetry}>
          Try again
        </Button>
      )}
    </div>
  );
}

function titleOf(error: unknown): string {
  if (!isApiError(error)) return 'This failed';
  if (error.status === 0) return 'No connection';
  if (error.code === 'bad_data' || error.status === 400) return 'The query is not valid';
  if (error.status === 404) return 'Not found';
  if (error.status === 503 || error.code === 'timeout') return 'The server gave up';
  return error.status >= 500 ? 'The server failed' : 'The server refused';
}
