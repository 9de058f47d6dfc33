import { masqueradeMark } from './compile/rule-options.ts';
import type { RuleSetOptions } from './compile/rule-options.ts';
import type { Chain, ConntrackState, Match, Rule, Verdict } from './compile/rule-set.ts';

/**
 * What surrounds the rules of the Services: the jumps out of the kernel's own chains, masquerading, forwarding.
 * Source: kube-proxy, `iptablesJumpChains` and `syncProxyRules`. Each jump is inserted at the top of its chain, so the
 * last inserted comes first: in FORWARD, KUBE-PROXY-FIREWALL before KUBE-FORWARD before KUBE-SERVICES.
 */
const MARK_MASQ = 'KUBE-MARK-MASQ';
const SERVICES = 'KUBE-SERVICES';
const EXTERNAL = 'KUBE-EXTERNAL-SERVICES';
const NODE_PORTS = 'KUBE-NODEPORTS';
const FORWARD = 'KUBE-FORWARD';
const POSTROUTING = 'KUBE-POSTROUTING';
const PROXY_FIREWALL = 'KUBE-PROXY-FIREWALL';
/** The kubelet's, which writes the same rule. */
const FIREWALL = 'KUBE-FIREWALL';

/** Names of accounting objects, as kube-proxy's metrics read them. */
export const INVALID_DROPPED = 'ct_state_invalid_dropped_pkts';
export const LOCALHOST_ACCEPTED = 'localhost_nps_accepted_pkts';

export const toMarkMasq: Verdict = { kind: 'jump', chain: MARK_MASQ };

/** What the ports contribute to the chains that they share. */
export interface SharedChains {
  /** filter KUBE-SERVICES: cluster addresses without endpoints. */
  readonly services: readonly Rule[];
  /** filter KUBE-EXTERNAL-SERVICES: the other addresses without endpoints. */
  readonly external: readonly Rule[];
  /** filter KUBE-NODEPORTS: health checks. */
  readonly healthChecks: readonly Rule[];
  /** filter KUBE-PROXY-FIREWALL: what no source range let through. */
  readonly firewalled: readonly Rule[];
  /** nat KUBE-SERVICES. */
  readonly dispatch: readonly Rule[];
  /** nat KUBE-NODEPORTS. */
  readonly nodePorts: readonly Rule[];
}

export function filterFrame(shared: SharedChains, options: RuleSetOptions): Chain[] {
  const isNew = states('NEW');
  const firewall = jump(PROXY_FIREWALL, [isNew, comment('kubernetes load balancer firewall')]);
  const services = jump(SERVICES, [isNew, comment('kubernetes service portals')]);
  const external = jump(EXTERNAL, [isNew, comment('kubernetes externally-visible service portals')]);
  const healthChecks = jump(NODE_PORTS, [comment('kubernetes health check service ports')]);
  const forward = jump(FORWARD, [comment('kubernetes forwarding rules')]);
  const martians = jump(FIREWALL, []);
  return [
    { name: 'INPUT', builtIn: true, rules: [martians, firewall, healthChecks, external] },
    { name: 'FORWARD', builtIn: true, rules: [firewall, forward, services, external] },
    { name: 'OUTPUT', builtIn: true, rules: [martians, firewall, services] },
    { name: SERVICES, builtIn: false, rules: shared.services },
    { name: EXTERNAL, builtIn: false, rules: shared.external },
    { name: FORWARD, builtIn: false, rules: forwardRules(options) },
    { name: NODE_PORTS, builtIn: false, rules: shared.healthChecks },
    { name: PROXY_FIREWALL, builtIn: false, rules: shared.firewalled },
    { name: FIREWALL, builtIn: false, rules: martianRules(options) },
  ];
}

function forwardRules(options: RuleSetOptions): Rule[] {
  const mark = masqueradeMark(options);
  const invalid: Match[] = [states('INVALID')];
  if (options.accounting === true) invalid.push({ kind: 'counter', name: INVALID_DROPPED });
  return [
    // Of state INVALID are packets behind a closed window; let through, they reset the connection at the client.
    ...(options.conntrackTcpLiberal === true ? [] : [{ matches: invalid, verdict: { kind: 'drop' } } as const]),
    {
      matches: [comment('kubernetes forwarding rules'), { kind: 'mark', value: mark, mask: mark, negated: false }],
      verdict: { kind: 'accept' },
    },
    {
      matches: [comment('kubernetes forwarding conntrack rule'), states('RELATED', 'ESTABLISHED')],
      verdict: { kind: 'accept' },
    },
  ];
}

/** Node ports on localhost need `route_localnet`, which would let the neighbours reach 127.0.0.0/8 (CVE-2020-8558). */
function martianRules({ family, localhostNodePorts = true }: RuleSetOptions): Rule[] {
  if (family === 'IPv6' || !localhostNodePorts) return [];
  return [
    {
      matches: [
        { kind: 'source', network: '127.0.0.0/8', negated: true },
        { kind: 'destination', network: '127.0.0.0/8', negated: false },
        comment('block incoming localnet connections'),
        { kind: 'conntrackState', states: ['RELATED', 'ESTABLISHED', 'DNAT'], negated: true },
      ],
      verdict: { kind: 'drop' },
    },
  ];
}

/** The nat table without the ports' own chains. */
export function natFrame(shared: SharedChains, options: RuleSetOptions): Chain[] {
  const mark = masqueradeMark(options);
  const services = jump(SERVICES, [comment('kubernetes service portals')]);
  const postrouting = jump(POSTROUTING, [comment('kubernetes postrouting rules')]);
  return [
    { name: 'PREROUTING', builtIn: true, rules: [services] },
    { name: 'OUTPUT', builtIn: true, rules: [services] },
    { name: 'POSTROUTING', builtIn: true, rules: [postrouting] },
    { name: SERVICES, builtIn: false, rules: shared.dispatch },
    { name: NODE_PORTS, builtIn: false, rules: shared.nodePorts },
    {
      name: POSTROUTING,
      builtIn: false,
      rules: [
        { matches: [{ kind: 'mark', value: mark, mask: mark, negated: true }], verdict: { kind: 'return' } },
        // Taken off again, so that a packet that passes POSTROUTING a second time is not masqueraded twice.
        { matches: [], verdict: { kind: 'setMark', value: mark, mask: 0 } },
        {
          matches: [comment('kubernetes service traffic requiring SNAT')],
          verdict: { kind: 'masquerade', randomFully: true },
        },
      ],
    },
    {
      name: MARK_MASQ,
      builtIn: false,
      rules: [{ matches: [], verdict: { kind: 'setMark', value: mark, mask: mark } }],
    },
  ];
}

function jump(chain: string, matches: readonly Match[]): Rule {
  return { matches, verdict: { kind: 'jump', chain } };
}

function comment(text: string): Match {
  return { kind: 'comment', text };
}

function states(...names: ConntrackState[]): Match {
  return { kind: 'conntrackState', states: names };
}
