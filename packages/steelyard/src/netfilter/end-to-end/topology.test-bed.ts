// A node with pods and a client outside, as network namespaces: made inside a network and mount namespace of the runner's
// own (`unshare --net --mount`), so they end with it, however that ends.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../apply/kernel-commands.test-bed.ts';
import type { AgentAnswer, AgentRequest } from './agent.test-bed.ts';

const AGENT = fileURLToPath(new URL('./agent.test-bed.js', import.meta.url));

export const NODE_IP = '192.168.0.2';
export const CLIENT_IP = '192.168.0.9';
/** Pods a and b are on this node, c is on another one as far as the slices say. */
export const POD_IPS = { a: '10.80.0.11', b: '10.80.0.12', c: '10.80.1.13' } as const;
export const POD_IPV6S = { a: 'fd00:80::11', b: 'fd00:80::12', c: 'fd00:80:1::13' } as const;
export const CLUSTER_CIDR = '10.80.0.0/16';
export type Place = 'client' | 'node' | keyof typeof POD_IPS;

export interface Topology {
  ask(place: Place, request: AgentRequest): Promise<readonly string[]>;
  close(): void;
}

function ip(...args: readonly string[]): void {
  execFileSync(COMMANDS.ip, args);
}

/** @returns with a server in every pod */
export async function buildTopology(port: number): Promise<Topology> {
  // Names of namespaces are files here: in a file system of our own they leave nothing behind.
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  ip('link', 'set', 'lo', 'up');
  for (const name of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding', 'ipv4/conf/all/route_localnet']) {
    writeFileSync(`/proc/sys/net/${name}`, '1');
  }
  // Every refusal is to be heard.
  writeFileSync('/proc/sys/net/ipv4/icmp_ratelimit', '0');
  join('client', { node: `${NODE_IP}/24`, own: `${CLIENT_IP}/24`, via: NODE_IP });
  for (const pod of ['a', 'b', 'c'] as const) {
    const [address, address6] = [POD_IPS[pod], POD_IPV6S[pod]];
    // The node has its one address on every link, and shows it when it masquerades.
    join(pod, { node: `${NODE_IP}/32`, own: `${address}/32`, via: NODE_IP, pods: [address] });
    ip('-n', pod, '-6', 'addr', 'add', `${address6}/128`, 'dev', 'eth0', 'nodad');
    ip('-6', 'addr', 'add', 'fe80::1/64', 'dev', `veth-${pod}`, 'nodad');
    ip('-n', pod, '-6', 'route', 'add', 'default', 'via', 'fe80::1', 'dev', 'eth0');
    ip('-6', 'route', 'add', `${address6}/128`, 'dev', `veth-${pod}`);
  }
  // Whatever is not known goes outside: without a route the kernel asks no rule.
  ip('route', 'add', 'default', 'via', CLIENT_IP);
  const agents = new Map<Place, ChildProcess>();
  for (const place of ['client', 'node', 'a', 'b', 'c'] as const) agents.set(place, startAgent(place));
  const topology: Topology = {
    async ask(place, request) {
      const agent = agents.get(place);
      agent?.send(request);
      const [answer]: AgentAnswer[] = agent === undefined ? [] : await once(agent, 'message');
      return answer?.answers ?? [];
    },
    close() {
      for (const agent of agents.values()) agent.kill('SIGKILL');
    },
  };
  for (const pod of ['a', 'b', 'c'] as const) await topology.ask(pod, { do: 'serve', port, name: pod });
  return topology;
}

interface Link {
  /** The node's address on the link. */
  readonly node: string;
  readonly own: string;
  readonly via: string;
  /** What the node sends this way. */
  readonly pods?: readonly string[];
}

function join(name: string, { node, own, via, pods = [] }: Link): void {
  ip('netns', 'add', name);
  ip('link', 'add', `veth-${name}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name);
  ip('addr', 'add', node, 'dev', `veth-${name}`);
  ip('link', 'set', `veth-${name}`, 'up');
  ip('-n', name, 'link', 'set', 'lo', 'up');
  ip('-n', name, 'addr', 'add', own, 'dev', 'eth0');
  ip('-n', name, 'link', 'set', 'eth0', 'up');
  ip('-n', name, 'route', 'add', 'default', 'via', via, 'dev', 'eth0', 'onlink');
  for (const pod of pods) ip('route', 'add', `${pod}/32`, 'dev', `veth-${name}`);
}

function startAgent(place: Place): ChildProcess {
  const command: readonly [string, ...string[]] =
    place === 'node' ? [process.execPath] : [COMMANDS.ip, 'netns', 'exec', place, process.execPath];
  const [program, ...args] = [...command, AGENT, 'agent'];
  return spawn(program ?? '', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}
