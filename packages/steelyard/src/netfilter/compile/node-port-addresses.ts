import { isLoopback, isWithin } from './network.ts';
import type { RuleSetOptions } from './rule-options.ts';

/** Where node ports are taken: on every address of the node, or on these. */
export type NodePortAddresses =
  | { readonly kind: 'all' }
  /** `loopback`: 127.0.0.0/8 was asked for too. */
  | { readonly kind: 'some'; readonly addresses: readonly string[]; readonly loopback: boolean };

/**
 * Networks of one family only leave the other family with all of its addresses (kube-proxy, `NewNodePortAddresses`);
 * so does `primary` on a node that has no address of the family.
 */
export function nodePortAddresses(options: RuleSetOptions, byDefault: readonly string[]): NodePortAddresses {
  const { family, node, localAddresses } = options;
  const isOfFamily = (text: string): boolean => text.includes(':') === (family === 'IPv6');
  const given = options.nodePortAddresses ?? [];
  const wanted = given.length > 0 ? given : byDefault;
  const networks = wanted
    .flatMap((entry) => (entry === 'primary' ? (node?.internalIps ?? []) : [entry]))
    .filter(isOfFamily);
  if (networks.length === 0 || networks.some((network) => network.endsWith('/0'))) return { kind: 'all' };
  const own = (localAddresses ?? node?.internalIps ?? []).filter(isOfFamily);
  const candidates = family === 'IPv4' ? [...own, '127.0.0.1'] : [...own, '::1'];
  return {
    kind: 'some',
    loopback: networks.some((network) => isLoopback(network) || isWithin('127.0.0.0', network)),
    addresses: [...new Set(candidates.filter((address) => networks.some((network) => isWithin(address, network))))],
  };
}
