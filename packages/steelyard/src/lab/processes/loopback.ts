import { createServer } from 'node:net';
import type { Endpoint } from '@steelyard/core/model';
import type { SocketAddress } from '../../net-address.ts';
import { podKey } from '../lab-target.ts';
import { listenOn } from '../../listen-on.ts';

/** 127.0.0.0/8 without the addresses of all zeros and all ones, as 24-bit numbers; 0.0.1 is left to our own servers. */
const FIRST = 2;
const LAST = 0xff_ff_fe;

/**
 * A loopback address for each pod, none twice: 10.80.128.247 becomes 127.80.128.247, so a reader recognises it. IPv6
 * pods get one by a hash of theirs. Where two want the same, the later takes the next free one.
 */
export function loopbackAddresses(pods: readonly Endpoint[]): ReadonlyMap<string, string> {
  const taken = new Set<number>();
  return new Map(
    pods.map((pod) => {
      let low = Math.min(LAST, Math.max(FIRST, low24(pod)));
      while (taken.has(low)) low = low === LAST ? FIRST : low + 1;
      taken.add(low);
      return [podKey(pod), `127.${low >>> 16}.${(low >>> 8) & 0xff}.${low & 0xff}`];
    }),
  );
}

function low24(pod: Endpoint): number {
  if (pod.family === 'IPv4') {
    const [, b = 0, c = 0, d = 0] = pod.address.split('.').map(Number);
    return (b << 16) | (c << 8) | d;
  }
  // FNV-1a, 32 bit, folded: any even spread will do.
  let hash = 0x81_1c_9d_c5;
  for (const char of pod.address) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01_00_01_93) >>> 0;
  return (hash ^ (hash >>> 24)) & 0xff_ff_ff;
}

/** Where the pods of an experiment can listen. */
export interface LoopbackPlan {
  /** By `ip:port` of the manifests. */
  readonly addresses: ReadonlyMap<string, SocketAddress>;
  /** All on one port, each on an address of its own, as a DNS answer needs it (it carries no port). */
  readonly onePort: boolean;
}

const SEARCH_ATTEMPTS = 20;

/**
 * Finds a place on this machine for every pod. All share one port: `preferredPort` if it is free on all their
 * addresses, else (or with 0) any that is. Where the system has no loopback address but 127.0.0.1 (macOS), ports differ
 * instead.
 */
export async function planLoopback(
  pods: readonly Endpoint[],
  preferredPort: number,
  probe: (address: SocketAddress) => Promise<string | undefined> = probeAddress,
): Promise<LoopbackPlan> {
  const hosts = loopbackAddresses(pods);
  let port = preferredPort === 0 ? await freePort() : preferredPort;
  for (let attempt = 0; attempt < SEARCH_ATTEMPTS; attempt += 1) {
    const codes = await Promise.all([...hosts.values()].map((host) => probe({ host, port })));
    if (codes.every((code) => code === undefined)) {
      const place = (host: string): SocketAddress => ({ host, port });
      return { addresses: new Map([...hosts].map(([key, host]) => [key, place(host)])), onePort: true };
    }
    if (codes.includes('EADDRNOTAVAIL')) break;
    port = await freePort();
  }
  return {
    addresses: new Map(pods.map((pod) => [podKey(pod), { host: '127.0.0.1', port: 0 }])),
    onePort: false,
  };
}

/** Undefined when the address can be listened on, else the system's code. */
async function probeAddress(address: SocketAddress): Promise<string | undefined> {
  const server = createServer();
  try {
    await listenOn(server, address);
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  } finally {
    server.close();
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  const { port } = await listenOn(server, { host: '127.0.0.1', port: 0 });
  server.close();
  return port;
}
