import type { Snapshot } from '@steelyard/core/model';
import { serviceKey } from '@steelyard/core/model';
import type { AddressedService } from '@steelyard/core/routing';
import { UsageError } from '../usage-error.ts';

/**
 * `NAME.NAMESPACE:PORT` as a Service that exists; NAMESPACE may be left out, PORT may be a name, and both may be left
 * out where the Service has one port.
 */
export function findServiceName(snapshot: Snapshot, text: string, namespace: string): AddressedService {
  const match = /^(?<name>[^.:/]+)(?:\.(?<ns>[^.:/]+))?(?::(?<port>[^:/]+))?$/.exec(text);
  if (match?.groups === undefined) throw new UsageError(`--service ${text}: write NAME.NAMESPACE:PORT`);
  const { name = '', ns = namespace, port } = match.groups;
  const key = serviceKey(ns, name);
  const entry = snapshot.services.get(key);
  if (entry === undefined) {
    throw new UsageError(`--service ${text}: no Service ${key}; there is ${[...snapshot.services.keys()].join(', ')}`);
  }
  const ports = entry.ports.map((each) => each.port).filter(({ protocol }) => protocol === 'TCP');
  const found =
    port === undefined && ports.length === 1
      ? ports[0]
      : ports.find((each) => String(each.port) === port || each.name === port);
  if (found !== undefined) return { namespace: ns, name, port: found.port };
  const known = ports.map((each) => each.port).join(', ') || 'none';
  const problem = port === undefined ? 'says no port' : 'has no such TCP port';
  throw new UsageError(`--service ${text}: ${problem}; Service ${key} has ${known}`);
}
