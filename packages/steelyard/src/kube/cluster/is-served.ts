import type { ApiTransport } from '../api/api-transport.ts';
import { getJson } from '../api/get-json.ts';
import { fieldsOf, listOf, textOf } from '../untrusted.ts';
import type { Clock } from './clock.ts';
import { apiVersionOf, type ResourceKind } from './resource-kind.ts';

export interface DiscoveryRequest {
  readonly transport: ApiTransport;
  readonly clock: Clock;
  readonly resource: ResourceKind;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * Whether the API server's discovery documents name a kind: one small answer while its group is not there, two when it is.
 * `undefined`: it does not say.
 */
export async function isServed({ resource, ...request }: DiscoveryRequest): Promise<boolean | undefined> {
  const get = async (path: string): Promise<unknown> => {
    const { status, value } = await getJson(request.transport, path, request);
    return status === 404 ? 'absent' : status === 200 ? value : undefined;
  };
  try {
    const group = await get(`/apis/${resource.group}`);
    if (group === 'absent') return false;
    const versions = listOf(fieldsOf(group)?.['versions']);
    const served = new Set(versions.map((version) => textOf(fieldsOf(version)?.['version'])));
    const version = resource.versions.find((known) => served.has(known));
    if (group === undefined) return undefined;
    if (version === undefined) return false;
    const list = await get(`/apis/${apiVersionOf(resource, version)}`);
    if (list === undefined) return undefined;
    return listOf(fieldsOf(list)?.['resources']).some((one) => fieldsOf(one)?.['name'] === resource.plural);
  } catch {
    return undefined;
  }
}
