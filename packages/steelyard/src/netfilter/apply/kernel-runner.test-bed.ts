// Started by kernel-rules.test.ts inside a network namespace of its own: `unshare -n node kernel-runner.test-bed.js MODE-JOB`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { chiSquareTest } from '@steelyard/core/balance';
import type { ClusterNode, Snapshot } from '@steelyard/core/model';
import { compileNftables } from '../nftables/compile-nftables.ts';
import { compileRuleSet } from '../compile/compile-rule-set.ts';
import { silentLog } from '../../log.test-bed.ts';
import { createFlowCleaner } from './flow-cleaner.ts';
import { COMMANDS } from './kernel-commands.test-bed.ts';
import { createIptablesApplier } from '../iptables/iptables-applier.ts';
import { createNftablesApplier } from '../nftables/nftables-applier.ts';
import { parseIptablesSave } from '../iptables/parse-iptables-save.ts';
import { parseNft } from '../nftables/parse-nft.ts';
import { NODE, NODE_ADDRESSES, randomCase } from '../compile/random-objects.test-bed.ts';
import { snapshotOf } from '../compile/random-snapshot.test-bed.ts';
import { renderIptables } from '../iptables/render-iptables.ts';
import type { RuleApplier } from './rule-applier.ts';
import { ruleLines } from '../compile/rule-lines.test-bed.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { traceConnection } from '../trace/trace-connection.ts';

type Mode = 'iptables' | 'nftables';

const CONNECTIONS = 10_000;
const VIP = '10.97.211.12';
const PODS = ['10.80.128.247', '10.80.153.167', '10.80.167.226', '10.80.1.1', '10.80.1.2', '10.80.1.3', '10.80.1.4'];

function applierOf(mode: Mode): RuleApplier {
  return mode === 'iptables' ? createIptablesApplier('IPv4') : createNftablesApplier('IPv4');
}

function compile(mode: Mode, snapshot: Snapshot, node: ClusterNode | undefined): RuleSet {
  const options = { family: 'IPv4' as const, ...(node !== undefined && { node }), localAddresses: NODE_ADDRESSES };
  return mode === 'iptables' ? compileRuleSet(snapshot, options) : compileNftables(snapshot, options);
}

/** What the kernel holds, as lines; what a rule set says, as the same kind of lines. */
function kernelLines(mode: Mode): string[] {
  const text =
    mode === 'iptables'
      ? execFileSync(COMMANDS.iptablesSave, { encoding: 'utf8' })
      : execFileSync(COMMANDS.nft, ['-j', 'list', 'ruleset'], { encoding: 'utf8', maxBuffer: 1 << 28 });
  const { ruleSets } = mode === 'iptables' ? parseIptablesSave(text) : parseNft(text);
  return ruleSets.flatMap(ruleLines).toSorted();
}

function ownLines(mode: Mode, ruleSet: RuleSet): string[] {
  if (mode === 'nftables') return ruleLines(ruleSet).toSorted();
  return parseIptablesSave(renderIptables(ruleSet, { builtInChains: true }))
    .ruleSets.flatMap(ruleLines)
    .toSorted();
}

function assertHolds(mode: Mode, ruleSet: RuleSet, where: string): void {
  const [kernel, own] = [kernelLines(mode), ownLines(mode, ruleSet)];
  // Emptied chains wait for their removal; a chain without rules has no lines.
  if (mode === 'iptables') {
    const declared = execFileSync(COMMANDS.iptablesSave, ['-t', 'nat'], { encoding: 'utf8' });
    const chains = [...declared.matchAll(/^:(KUBE-(?:SVC|SVL|EXT|FW|SEP)-\S+)/gm)].map(([, name = '']) => name);
    assert.deepEqual(
      chains.filter((name) => ruleSet.tables['nat']?.has(name) !== true),
      [],
      where,
    );
  }
  const missing = own.filter((line) => !kernel.includes(line)).slice(0, 5);
  const surplus = kernel.filter((line) => !own.includes(line)).slice(0, 5);
  assert.deepEqual({ missing, surplus }, { missing: [], surplus: [] }, where);
}

/** One random cluster after the other on the same applier: each step writes the difference only. */
async function applyJob(mode: Mode): Promise<void> {
  const applier = applierOf(mode);
  for (let seed = 500; seed < 512; seed++) {
    const snapshot = snapshotOf(randomCase(seed).objects);
    const ruleSet = compile(mode, snapshot, snapshot.nodes?.get(NODE));
    await applier.check(ruleSet);
    assert.equal((await applier.apply(ruleSet)).changed, true);
    assertHolds(mode, ruleSet, `seed ${seed}`);
    assert.equal((await applier.apply(ruleSet)).changed, false);
    assert.equal(await applier.isIntact(), true);
  }
  // Another process takes over: nothing is doubled.
  const last = snapshotOf(randomCase(511).objects);
  const rules = compile(mode, last, last.nodes?.get(NODE));
  await applierOf(mode).apply(rules);
  assertHolds(mode, rules, 'taken over');
  // Somebody flushes everything.
  const snapshot = snapshotOf(randomCase(512).objects);
  const ruleSet = compile(mode, snapshot, snapshot.nodes?.get(NODE));
  await applier.apply(ruleSet);
  execFileSync(COMMANDS.nft, ['flush', 'ruleset']);
  if (mode === 'iptables') for (const flag of ['-F', '-X']) execFileSync(COMMANDS.iptables, ['-t', 'nat', flag]);
  assert.equal(await applier.isIntact(), false);
  await applier.apply(ruleSet);
  assertHolds(mode, ruleSet, 'repaired');
  await applier.cleanup();
  assert.deepEqual(
    kernelLines(mode).filter((line) => line.includes('KUBE') || line.includes('service')),
    [],
  );
}

/** The node's addresses and those of the pods, all on the loopback of this namespace. */
function addAddresses(): void {
  for (const address of [...PODS, '192.168.0.2']) {
    execFileSync(COMMANDS.ip, ['addr', 'add', `${address}/32`, 'dev', 'lo']);
  }
  // Somewhere to route the ClusterIP to, so that OUTPUT sees it at all.
  execFileSync(COMMANDS.ip, ['route', 'add', 'local', '10.97.0.0/16', 'dev', 'lo']);
}

/** A server at each pod's address; who was called is what they say. */
async function startPods(): Promise<{ readonly close: () => void }> {
  const servers = await Promise.all(
    PODS.map(async (address) => {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.end(`${address} ${socket.remoteAddress ?? ''}`);
      });
      server.listen(8000, address, 4096);
      await once(server, 'listening');
      return server;
    }),
  );
  return { close: () => servers.forEach((server) => server.close()) };
}

interface CallOptions {
  readonly port?: number;
  readonly from?: string;
  /** How long to wait for an answer: for one that must not come, not long. */
  readonly patienceMs?: number;
}

/** The pod that answered and the client that it saw; or how the connection failed. */
async function call(host: string, { port = 8000, from, patienceMs = 60_000 }: CallOptions = {}): Promise<string> {
  const socket = connect({ host, port, ...(from !== undefined && { localAddress: from }) });
  let said = '';
  let failure: string | undefined;
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code ?? error.message;
  });
  // What is dropped says nothing: only its patience ends the wait.
  socket.setTimeout(patienceMs, () => {
    failure = 'silence';
    socket.destroy();
  });
  // Not `once`, which takes an error for its own.
  await new Promise<void>((resolve) => {
    socket.on('close', () => resolve());
  });
  return failure ?? said;
}

const SILENCE_MS = 400;

/** What upstream's e2e tests observe: refusal, silence, affinity, node ports. */
async function fatesJob(mode: Mode): Promise<void> {
  addAddresses();
  const pods = await startPods();
  const applier = applierOf(mode);
  const node = { name: NODE, internalIps: ['192.168.0.2'], podCidrs: [] };
  const apply = (fields: object, some?: readonly string[]): Promise<unknown> =>
    applier.apply(compile(mode, articleSnapshot(fields, some), node));
  const podsOf = async (host: string, options: CallOptions = {}): Promise<Set<string>> => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => call(host, options)));
    return new Set(answers.map((answer) => answer.split(' ')[0] ?? ''));
  };

  await apply({}, []);
  assert.equal(await call(VIP), 'ECONNREFUSED');

  await apply({ internalTrafficPolicy: 'Local' });
  assert.equal(await call(VIP, { patienceMs: SILENCE_MS }), 'silence');

  await apply({ sessionAffinity: 'ClientIP' });
  const chosen = await podsOf(VIP, { from: '192.168.0.2' });
  assert.equal(chosen.size, 1, [...chosen].join(' '));
  assert.equal(PODS.includes([...chosen].join('')), true, [...chosen].join(' '));

  const nodePort = { type: 'NodePort', ports: [{ name: 'grpc', port: 8000, nodePort: 30_080 }] };
  await apply(nodePort);
  assert.equal((await podsOf('192.168.0.2', { port: 30_080 })).size > 1, true);
  assert.equal((await podsOf(VIP)).size > 1, true);

  await applier.cleanup();
  pods.close();
}

/** Many real connections to the ClusterIP: each pod gets what the tracer says. */
async function connectJob(mode: Mode): Promise<void> {
  addAddresses();
  const snapshot = articleSnapshot();
  const ruleSet = compile(mode, snapshot, undefined);
  await applierOf(mode).apply(ruleSet);
  const pods = await startPods();
  const packet = { source: '10.80.0.1', destination: VIP, port: 8000, protocol: 'TCP', origin: 'host' } as const;
  const outcomes = traceConnection(ruleSet, packet, { localAddresses: PODS });
  const expected = outcomes.flatMap((each) => (each.kind === 'dnat' ? [each] : []));
  assert.equal(expected.length, PODS.length);
  const sample = async (): Promise<{ readonly pValue: number; readonly observed: readonly number[] }> => {
    const counts = new Map<string, number>();
    for (let done = 0; done < CONNECTIONS; done += 100) {
      await Promise.all(
        Array.from({ length: 100 }, async () => {
          const [pod = ''] = (await call(VIP)).split(' ');
          counts.set(pod, (counts.get(pod) ?? 0) + 1);
        }),
      );
    }
    const observed = expected.map(({ address }) => counts.get(address) ?? 0);
    const sum = observed.reduce((before, count) => before + count, 0);
    assert.equal(sum, CONNECTIONS, JSON.stringify([...counts]));
    const shares = expected.map(({ probability }) => probability);
    return { pValue: chiSquareTest(observed, shares).pValue, observed };
  };
  // The kernel's dice have no seed: once in a thousand samples they fall so. Not twice in a row.
  const first = await sample();
  const { pValue, observed } = first.pValue > 0.001 ? first : await sample();
  assert.ok(pValue > 0.001, `p ${pValue}: ${observed.join(' ')}`);
  pods.close();
}

/** Read by people only, when what comes after it never does. */
function reached(stage: string): void {
  process.stderr.write(`${stage}\n`);
}

/** A connection that was open before its pod went: it ends after the grace, those to other pods stay. */
async function endJob(mode: Mode): Promise<void> {
  addAddresses();
  const served = new Set<Socket>();
  const echoes = await Promise.all(
    PODS.map(async (address) => {
      const server = createServer((socket) => {
        served.add(socket);
        socket.on('error', () => undefined).on('data', (bytes) => socket.write(bytes));
        socket.write(address);
      });
      server.listen(8000, address);
      await once(server, 'listening');
      return server;
    }),
  );
  const applier = applierOf(mode);
  const apply = (pods: readonly string[]): Promise<unknown> =>
    applier.apply(compile(mode, articleSnapshot({}, pods), undefined));
  await apply(PODS);
  reached('the rules are in the kernel');
  const sockets = await Promise.all(
    Array.from({ length: 30 }, async () => {
      const socket = connect(8000, VIP);
      const [greeting]: unknown[] = await once(socket, 'data');
      return { socket, pod: String(greeting) };
    }),
  );
  reached('all are connected');
  const gone = sockets[0]?.pod ?? '';
  const rest = PODS.filter((pod) => pod !== gone);
  await apply(rest);
  let endNow = (): void => undefined;
  const cleaner = createFlowCleaner({
    log: silentLog,
    tcpGraceMs: 1000,
    after: (_, work) => {
      endNow = work;
      return () => undefined;
    },
  });
  await cleaner.written(articleSnapshot({}, PODS), articleSnapshot({}, rest));
  const codeOf = (error: unknown): string =>
    error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const ping = async ({ socket }: { readonly socket: Socket }): Promise<string> => {
    // A late ACK is enough for the reset to have come already.
    if (socket.errored !== null) return codeOf(socket.errored);
    socket.write('ping');
    // An error is an answer, too.
    return Promise.race([
      once(socket, 'data').then(([bytes]) => String(bytes)),
      once(socket, 'close').then(() => 'closed'),
    ]).catch(codeOf);
  };
  assert.deepEqual(new Set(await Promise.all(sockets.map(ping))), new Set(['ping']), 'during the grace');
  reached('the grace is over');
  endNow();
  // The one flow to end is one command of conntrack; its end is seen by the count.
  while (cleaner.deleted === 0) await new Promise((resolve) => setImmediate(resolve));
  reached('the flows are deleted');
  for (const each of sockets) {
    const answer = await ping(each);
    assert.equal(answer, each.pod === gone ? 'ECONNRESET' : 'ping', `${each.pod}, where ${gone} is gone`);
  }
  for (const socket of [...sockets.map((each) => each.socket), ...served]) socket.destroy();
  for (const echo of echoes) echo.close();
}

/** 400 clients of two pods, three times each: nobody moves (xt_recent keeps 100 of them). */
async function affinityJob(mode: Mode): Promise<void> {
  addAddresses();
  const pods = await startPods();
  const clients = Array.from({ length: 400 }, (_, index) => `10.9.${index >> 8}.${index & 255}`);
  execFileSync(COMMANDS.ip, ['route', 'add', 'local', '10.9.0.0/16', 'dev', 'lo']);
  const snapshot = articleSnapshot({ sessionAffinity: 'ClientIP' }, PODS.slice(0, 2));
  const options = { family: 'IPv4', affinitySets: true } as const;
  const ruleSet = mode === 'iptables' ? compileRuleSet(snapshot, options) : compileNftables(snapshot, options);
  const applier = applierOf(mode);
  await applier.check(ruleSet);
  await applier.apply(ruleSet);
  assertHolds(mode, ruleSet, 'with sets');
  const round = async (): Promise<string[]> => {
    const chosen: string[] = [];
    for (let start = 0; start < clients.length; start += 100) {
      const some = clients.slice(start, start + 100).map((from) => call(VIP, { from }));
      for (const answer of await Promise.all(some)) chosen.push(answer.split(' ')[0] ?? '');
    }
    return chosen;
  };
  const first = await round();
  assert.equal(new Set(first).size, 2);
  for (let again = 0; again < 2; again++) {
    const next = await round();
    assert.equal(next.filter((pod, index) => pod !== first[index]).length, 0, 'clients that moved');
  }
  // Without the Service nothing of it is left.
  await applier.apply(
    mode === 'iptables'
      ? compileRuleSet({ services: new Map() }, options)
      : compileNftables({ services: new Map() }, options),
  );
  assert.equal(execFileSync(COMMANDS.ipset, ['list', '-name'], { encoding: 'utf8' }), '');
  await applier.apply(ruleSet);
  await applier.cleanup();
  assert.equal(execFileSync(COMMANDS.ipset, ['list', '-name'], { encoding: 'utf8' }), '');
  pods.close();
}

function articleSnapshot(fields: object = {}, pods: readonly string[] = PODS): Snapshot {
  const metadata = { name: 'backend', namespace: 'default', labels: { 'kubernetes.io/service-name': 'backend' } };
  const spec = { clusterIP: VIP, clusterIPs: [VIP], ports: [{ name: 'grpc', port: 8000 }], ...fields };
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice' as const,
    metadata,
    addressType: 'IPv4',
    ports: [{ name: 'grpc', port: 8000 }],
    endpoints: pods.map((address) => ({ addresses: [address], nodeName: 'elsewhere' })),
  };
  const service = { apiVersion: 'v1', kind: 'Service' as const, metadata, spec };
  return snapshotOf([service, slice]);
}

const [mode, job] = (process.argv[2] ?? '').split('-');
if (mode === 'iptables' || mode === 'nftables') {
  execFileSync(COMMANDS.ip, ['link', 'set', 'lo', 'up']);
  const jobs = new Map([
    ['apply', applyJob],
    ['connect', connectJob],
    ['fates', fatesJob],
    ['end', endJob],
    ['affinity', affinityJob],
  ]);
  await jobs.get(job ?? '')?.(mode);
}
