import type { IpFamily } from '@steelyard/core/model';

/** How the parts of the table that are of one family are written. */
export interface FamilyNames {
  readonly ports: string;
  readonly listeners: string;
  readonly header: 'ip' | 'ip6';
  readonly addressType: 'ipv4_addr' | 'ipv6_addr';
}

export const FAMILY_NAMES: Readonly<Record<IpFamily, FamilyNames>> = {
  IPv4: { ports: 'ports4', listeners: 'listeners4', header: 'ip', addressType: 'ipv4_addr' },
  IPv6: { ports: 'ports6', listeners: 'listeners6', header: 'ip6', addressType: 'ipv6_addr' },
};

/** Counts connections of pods that were sent to a listener. */
export const HANDED = 'handed';

/** Named parts of a table, as text. */
export interface FamilyParts {
  readonly sets: readonly string[];
  readonly chains: readonly string[];
  readonly prerouting: string;
  readonly output: string;
  readonly input: string;
}

/**
 * What is done with connections of one family, nothing of it unless `alive` has an element.
 *
 * From pods (prerouting), the kernel first looks whether the listener is there at all: the packet is made one to the
 * listener, `socket` looks it up, and the packet is made what it was. So the moment that the proxy's process has ended, new
 * connections go to kube-proxy's rules.
 *
 * From the node itself (output), `socket` would find the caller's own. There, a SYN to a listener that has gone is dropped on
 * its way in, before conntrack confirms it: the caller's next one, a second later, finds the rules without effect. A
 * listener that is dialled directly refuses.
 */
export function renderFamily(family: IpFamily, address: string, isLookedUp: boolean): FamilyParts {
  const { ports, listeners, header, addressType } = FAMILY_NAMES[family];
  const listenerPort = `${header} daddr . tcp dport map @${ports}`;
  const host = family === 'IPv6' ? `[${address}]` : address;
  const redirect = `meta l4proto tcp dnat ${header} to ${host} : ${listenerPort}`;
  const restore = `${header} daddr set ct original ${header} daddr tcp dport set ct original proto-dst`;
  const [found, look] = [`take-${header}`, `look-${header}`];
  return {
    sets: [
      block(`map ${ports}`, [`type ${addressType} . inet_service : inet_service`]),
      block(`set ${listeners}`, ['type inet_service']),
    ],
    chains: isLookedUp
      ? [
          block(`chain ${found}`, [restore, `counter name ${HANDED}`, redirect]),
          block(`chain ${look}`, [`${header} daddr set ${address}`, `socket wildcard 0 goto ${found}`, restore]),
        ]
      : [],
    prerouting: isLookedUp
      ? `meta l4proto @alive tcp dport set ${listenerPort} goto ${look}`
      : `meta l4proto @alive ${redirect}`,
    output: `meta l4proto @alive ${redirect}`,
    input: `meta l4proto @alive ${header} daddr ${address} tcp dport @${listeners} ct state new goto listener`,
  };
}

export function block(header: string, lines: readonly string[]): string {
  return `${header} {\n${lines.join('\n').replaceAll(/^(?=.)/gm, '  ')}\n}`;
}
