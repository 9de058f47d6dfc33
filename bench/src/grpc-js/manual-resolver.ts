import { experimental } from '@grpc/grpc-js';

export type Addresses = readonly { readonly host: string; readonly port: number }[];

const lists = new Map<string, Addresses>();
const resolvers = new Map<string, ManualResolver>();

/** Resolves `bench:///NAME` to the list that was set for the name, and to each list that is set later. */
class ManualResolver implements experimental.Resolver {
  readonly #name: string;
  readonly #listener: experimental.ResolverListener;

  constructor(target: experimental.GrpcUri, listener: experimental.ResolverListener) {
    this.#name = target.path;
    this.#listener = listener;
    resolvers.set(this.#name, this);
  }

  updateResolution(): void {
    setImmediate(() => this.tell());
  }

  tell(): void {
    const value = (lists.get(this.#name) ?? []).map((address) => ({ addresses: [address] }));
    this.#listener(experimental.statusOrFromValue(value), {}, null, '');
  }

  destroy(): void {
    resolvers.delete(this.#name);
  }

  static getDefaultAuthority(): string {
    return 'bench';
  }
}

export function registerManualResolver(): void {
  experimental.registerResolver('bench', ManualResolver);
}

/** The resolver of a channel that is open tells it at once, in the same turn of the event loop. */
export function resolveTo(name: string, addresses: Addresses): void {
  lists.set(name, addresses);
  resolvers.get(name)?.tell();
}

/** So many addresses of 127/8, from 127.FIRST.0.0 on. */
export function loopbackAddresses(count: number, port: number, first = 16): Addresses {
  return Array.from({ length: count }, (_, index) => ({
    host: `127.${first + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`,
    port,
  }));
}
