import { TargetError } from '../targets/target-error.ts';
import { ApiError } from './api-client.ts';
import type { ServicePortName } from './service-watch.ts';

/** What is wrong, and what to grant where a right is missing, as a clause. */
export function explainApiError(error: unknown, { namespace }: ServicePortName, byNumber: boolean): string {
  // Says itself what is wrong: a token that cannot be read, a plugin that fails.
  if (error instanceof TargetError) return error.message;
  if (!(error instanceof ApiError)) {
    return `the API server cannot be reached (${error instanceof Error ? error.message : String(error)})`;
  }
  switch (error.status) {
    case 401:
      return `the API server does not know who asks (${error.message}); the token is missing or out of date`;
    case 403: {
      const services = byNumber ? ' and "services" in ""' : '';
      return (
        `a right is missing: the account needs a Role in the namespace ${namespace} with the verbs "list" and "watch" ` +
        `on "endpointslices" in "discovery.k8s.io"${services} (${error.message})`
      );
    }
    default:
      return `the API server answers with ${error.status} (${error.message})`;
  }
}
