import type { IpFamily } from '@steelyard/core/model';
import { block, FAMILY_NAMES, HANDED, renderFamily } from './node-family-rules.ts';
import { familyOf, NODE_TABLE, type NodeAddresses, type NodeRules, type Redirect } from './node-rules.ts';

export interface NodeRuleOptions {
  readonly addresses: NodeAddresses;
  /** Which process the rules are for; see {@link renderHeartbeat}. */
  readonly owner: number;
  /** How long the rules hold without a heartbeat. */
  readonly timeoutMs: number;
  /** User whose connections are never redirected: the proxy's, where it has one of its own. */
  readonly exceptUser?: number | undefined;
  /** False for kernels that cannot look up sockets while they translate addresses. Default true. */
  readonly socketLookup?: boolean;
}

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** Ahead of kube-proxy's chains in either mode (dstnat, -100): of those that translate a connection, the first counts. */
const BEFORE_DSTNAT = -110;
const BEFORE_FILTER = -10;

const NO_RULES: NodeRules = new Map();

/** The whole table, in place of whatever was there: the process takes over from another one, too. */
export function renderNodeTable(rules: NodeRules, options: NodeRuleOptions): string {
  const { addresses, exceptUser, socketLookup = true } = options;
  const families = FAMILIES.flatMap((family) => {
    const address = addresses[family];
    return address === undefined ? [] : renderFamily(family, address, socketLookup);
  });
  const base = (name: string, type: string, priority: number, statements: readonly string[]): string =>
    block(`chain ${name}`, [`type ${type} hook ${name} priority ${priority}; policy accept`, ...statements]);
  const spared = exceptUser === undefined ? [] : [`meta skuid ${exceptUser} return`];
  const output = [...spared, ...families.map((each) => each.output)];
  return lines(
    `add table ${NODE_TABLE}`,
    `delete table ${NODE_TABLE}`,
    block(`table ${NODE_TABLE}`, [
      block('set alive', ['type inet_proto', 'flags timeout']),
      block('set owner', ['type mark']),
      `counter ${HANDED} { }`,
      ...families.flatMap((each) => each.sets),
      ...families.flatMap((each) => each.chains),
      block('chain listener', [
        ...(socketLookup
          ? ['ct status dnat socket wildcard 0 return', 'ct status dnat drop']
          : ['ct status dnat return']),
        'meta l4proto tcp reject with tcp reset',
      ]),
      base(
        'prerouting',
        'nat',
        BEFORE_DSTNAT,
        families.map((each) => each.prerouting),
      ),
      base('output', 'nat', BEFORE_DSTNAT, output),
      base(
        'input',
        'filter',
        BEFORE_FILTER,
        families.map((each) => each.input),
      ),
    ]),
    ...renderNodeChange(NO_RULES, rules),
    element('add', 'owner', [options.owner]),
    renderAlive(options),
  );
}

/** Statements that lead from one to the other; none when nothing is different. */
export function renderNodeChange(before: NodeRules, after: NodeRules): readonly string[] {
  const changed = (some: NodeRules, others: NodeRules, family: IpFamily): Redirect[] =>
    [...some]
      .filter(([key, { listenerPort }]) => others.get(key)?.listenerPort !== listenerPort)
      .map(([, redirect]) => redirect)
      .filter(({ address }) => familyOf(address) === family);
  return FAMILIES.flatMap((family) => {
    const { ports, listeners } = FAMILY_NAMES[family];
    const [gone, come] = [changed(before, after, family), changed(after, before, family)];
    const [old, next] = [listenerPorts(before, family), listenerPorts(after, family)];
    return [
      element(
        'delete',
        ports,
        gone.map(({ address, port }) => `${address} . ${port}`),
      ),
      element(
        'delete',
        listeners,
        [...old].filter((port) => !next.has(port)),
      ),
      element(
        'add',
        listeners,
        [...next].filter((port) => !old.has(port)),
      ),
      element(
        'add',
        ports,
        come.map((each) => `${each.address} . ${each.port} : ${each.listenerPort}`),
      ),
    ].filter((statement) => statement !== '');
  });
}

/**
 * Renews the rules for another `timeoutMs`, does what else is said, and asks how many connections were handed over, if they are still this process's: deleting what is not
 * there fails, and with it the whole transaction.
 */
export function renderHeartbeat(options: NodeRuleOptions, more: readonly string[] = []): string {
  const { owner } = options;
  return lines(
    element('delete', 'owner', [owner]),
    element('add', 'owner', [owner]),
    `flush set ${NODE_TABLE} alive`,
    renderAlive(options),
    ...more,
    `list counter ${NODE_TABLE} ${HANDED}`,
  );
}

/** Before other statements of a transaction: it fails where a process's rules have effect, as creating what is there does. */
export function renderIdleGuard(): string {
  return lines(element('create', 'alive', ['tcp timeout 1s']));
}

/**
 * Takes the effect from the rules at once, if they are still this process's. The table stays: the kernel translates the
 * packets of connections that are there as long as somebody has a chain for it.
 */
export function renderStandDown({ owner }: Pick<NodeRuleOptions, 'owner'>): string {
  return lines(element('delete', 'owner', [owner]), `flush set ${NODE_TABLE} alive`);
}

/** Takes the table away, unless it has effect. */
export function renderRemoval(): string {
  return renderIdleGuard() + lines(`delete table ${NODE_TABLE}`);
}

/** Nothing of ours is left, whoever it serves. */
export function renderNodeCleanup(): string {
  return lines(`add table ${NODE_TABLE}`, `delete table ${NODE_TABLE}`);
}

function renderAlive({ timeoutMs }: NodeRuleOptions): string {
  return element('add', 'alive', [`tcp timeout ${timeoutMs}ms`]);
}

function element(verb: 'add' | 'create' | 'delete', set: string, elements: readonly (string | number)[]): string {
  return elements.length === 0 ? '' : `${verb} element ${NODE_TABLE} ${set} { ${elements.join(', ')} }`;
}

function listenerPorts(rules: NodeRules, family: IpFamily): ReadonlySet<number> {
  const ofFamily = [...rules.values()].filter(({ address }) => familyOf(address) === family);
  return new Set(ofFamily.map(({ listenerPort }) => listenerPort));
}

function lines(...statements: readonly string[]): string {
  return `${statements.join('\n')}\n`;
}
