/** A service of a compose file, as far as this compiler writes one. */
export interface ComposeService {
  readonly image: string;
  readonly restart?: 'unless-stopped';
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly secrets?: readonly string[];
  readonly extra_hosts?: readonly string[];
  readonly pid?: 'host';
  readonly depends_on?: Readonly<
    Record<string, { readonly condition: 'service_healthy' | 'service_started' | 'service_completed_successfully' }>
  >;
  readonly healthcheck?: {
    readonly test: readonly string[];
    readonly interval: string;
    readonly timeout: string;
    readonly retries: number;
    readonly start_period: string;
  };
}
