import type { Chain, ConntrackState, Match, Rule, Verdict } from './rule-set.ts';

/**
 * What surrounds the rules of the Services: the jumps out of the kernel's own chains, masquerading, forwarding.
 * Source: kube-proxy, `iptablesJumpChains` and `syncProxyRules`. Each jump is inserted at the top of its chain, so the
 * last inserted comes first: in FORWARD, KUBE-FORWARD before KUBE-SERVICES.
 */

/** `--iptables-masquerade-bit` 14: the packets to masquerade carry this mark. */
const MASQUERADE_MARK = 0x4000;

export const MARK_MASQ = 'KUBE-MARK-MASQ';
const SERVICES = 'KUBE-SERVICES';
const FORWARD = 'KUBE-FORWARD';
const POSTROUTING = 'KUBE-POSTROUTING';

export const toMarkMasq: Verdict = { kind: 'jump', chain: MARK_MASQ };

/** The filter table: `rejections` are the Service ports without endpoints. */
export function filterFrame(rejections: readonly Rule[]): Chain[] {
  const services = jump(SERVICES, [states('NEW'), comment('kubernetes service portals')]);
  const forward = jump(FORWARD, [comment('kubernetes forwarding rules')]);
  return [
    { name: 'FORWARD', builtIn: true, rules: [forward, services] },
    { name: 'OUTPUT', builtIn: true, rules: [services] },
    { name: SERVICES, builtIn: false, rules: rejections },
    {
      name: FORWARD,
      builtIn: false,
      rules: [
        { matches: [states('INVALID')], verdict: { kind: 'drop' } },
        { matches: [comment('kubernetes forwarding rules'), marked(false)], verdict: { kind: 'accept' } },
        {
          matches: [comment('kubernetes forwarding conntrack rule'), states('RELATED', 'ESTABLISHED')],
          verdict: { kind: 'accept' },
        },
      ],
    },
  ];
}

/** The nat table without the Services' own chains: `dispatch` has one rule per Service port. */
export function natFrame(dispatch: readonly Rule[]): Chain[] {
  const services = jump(SERVICES, [comment('kubernetes service portals')]);
  const xor: Verdict = { kind: 'setMark', value: MASQUERADE_MARK, mask: 0 };
  return [
    { name: 'PREROUTING', builtIn: true, rules: [services] },
    { name: 'OUTPUT', builtIn: true, rules: [services] },
    {
      name: 'POSTROUTING',
      builtIn: true,
      rules: [jump(POSTROUTING, [comment('kubernetes postrouting rules')])],
    },
    { name: SERVICES, builtIn: false, rules: dispatch },
    {
      name: POSTROUTING,
      builtIn: false,
      rules: [
        { matches: [marked(true)], verdict: { kind: 'return' } },
        // Taken off again, so that a packet that passes POSTROUTING a second time is not masqueraded twice.
        { matches: [], verdict: xor },
        {
          matches: [comment('kubernetes service traffic requiring SNAT')],
          verdict: { kind: 'masquerade', randomFully: true },
        },
      ],
    },
    {
      name: MARK_MASQ,
      builtIn: false,
      rules: [{ matches: [], verdict: { kind: 'setMark', value: MASQUERADE_MARK, mask: MASQUERADE_MARK } }],
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

function marked(negated: boolean): Match {
  return { kind: 'mark', value: MASQUERADE_MARK, mask: MASQUERADE_MARK, negated };
}
