import type { ResolvedEndpoint } from '../targets/endpoint-watch.ts';

/** The outcome of one look-up of a name. */
export type DnsAnswer =
  | {
      readonly kind: 'found';
      /** The name that had the answer, of those that were tried. */
      readonly name: string;
      readonly endpoints: readonly ResolvedEndpoint[];
      /** The smallest of the records. */
      readonly ttlMs: number;
    }
  /** The server answered: there is no such name, or it has no address. */
  | { readonly kind: 'empty'; readonly message: string }
  /** There was no answer, or none that makes sense. */
  | { readonly kind: 'failed'; readonly message: string };
