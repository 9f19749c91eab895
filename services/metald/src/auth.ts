/** Who is calling: the development tokens of metald, `Authorization: Bearer dev_user_<id>`, with the tenant beside them. */
import type { Call } from '@belfry/service-kit';
import { Refusal } from './refusal.ts';

export interface Caller {
  readonly user: string;
  /** The customer for whom the call is made. */
  readonly customer: string;
}

const RESTRICTED_TENANT = 'restricted-tenant';
const ADMIN = 'admin-user';

/** @throws Refusal `unauthenticated` or `permission_denied` */
export function authenticate(call: Call): Caller {
  const authorization = call.header('authorization');
  if (!authorization) {
    throw new Refusal(
      'unauthenticated',
      'missing_customer_context',
      "missing customer context: send the headers 'Authorization: Bearer dev_user_<id>' and 'X-Tenant-ID: <customer>'",
    );
  }
  const user = /^Bearer (?:dev_user_|dev_customer_)([A-Za-z0-9._-]{1,64})$/.exec(authorization)?.[1];
  if (!user) {
    throw new Refusal(
      'unauthenticated',
      'authentication_failed',
      'authentication failed: the token must be dev_user_<id> or dev_customer_<id>',
    );
  }
  const customer = call.header('x-tenant-id');
  if (!customer) {
    throw new Refusal(
      'unauthenticated',
      'missing_customer_context',
      'tenant ID is required: send the header X-Tenant-ID',
    );
  }
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(customer)) {
    throw new Refusal('unauthenticated', 'authentication_failed', 'X-Tenant-ID is not a valid customer id');
  }
  if (customer === RESTRICTED_TENANT && user !== ADMIN) {
    throw new Refusal('permission_denied', 'permission_denied', `access denied to tenant ${customer}`);
  }
  return { user, customer };
}
