import type { EndpointSlice, SliceEndpoint } from '@steelyard/core/config';
import type { ResolvedEndpoint } from '../targets/endpoint-watch.ts';

interface Candidate {
  readonly endpoint: ResolvedEndpoint;
  readonly conditions: SliceEndpoint['conditions'];
  readonly family: EndpointSlice['family'];
}

/**
 * The endpoints that calls may land on, out of all slices of a Service: those of the port, each address once, ready ones or,
 * where there is none, those that still serve while they terminate (KEP-1669). Of a dual-stack Service one family, IPv4 if
 * there is any: a Pod stands in the slices of both, and is to be dialled once.
 *
 * Not the compiler of core: a Snapshot has routes and clusters for every way, of which a caller has no use.
 */
export function joinSlices(slices: Iterable<EndpointSlice>, portName: string): readonly ResolvedEndpoint[] {
  const candidates = new Map<string, Candidate>();
  for (const slice of slices) {
    const port = slice.ports.find(({ name, protocol }) => name === portName && protocol === 'TCP')?.port;
    if (port === undefined) continue;
    for (const { addresses, conditions, zone } of slice.endpoints) {
      // The addresses of one entry are fungible; the first is the one that everybody uses (KEP-752).
      const key = `${addresses[0]} ${port}`;
      const known = candidates.get(key);
      if (known !== undefined && rank(known.conditions) >= rank(conditions)) continue;
      const endpoint = { host: addresses[0], port, ...(zone !== undefined && { zone }) };
      candidates.set(key, { endpoint, conditions, family: slice.family });
    }
  }
  const all = [...candidates.values()];
  const ready = all.filter(({ conditions }) => conditions.ready);
  const usable =
    ready.length > 0 ? ready : all.filter(({ conditions }) => conditions.serving && conditions.terminating);
  const ipv4 = usable.filter(({ family }) => family === 'IPv4');
  return (ipv4.length > 0 ? ipv4 : usable).map(({ endpoint }) => endpoint);
}

/** A Pod may stand in two slices for a moment; the copy that is not terminating is the newer one. */
function rank({ ready, serving, terminating }: SliceEndpoint['conditions']): number {
  return (terminating ? 0 : 4) + (ready ? 2 : 0) + (serving ? 1 : 0);
}
