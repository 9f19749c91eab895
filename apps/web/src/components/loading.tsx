/** Something is on its way. */
export function Loading({ label = 'Loading' }: { readonly label?: string }) {
  return (
    <div className="state" role="status">
      <div className="spinner" aria-hidden="true" />
      <span className="faint">{label}…</span>
    </div>
  );
}
