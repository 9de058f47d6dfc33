import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { IpFamily, Snapshot } from '@steelyard/core/model';
import { InvalidArgumentError } from 'commander';
import type { NodeAddresses } from '../../netfilter/index.ts';
import { UsageError } from '../usage-error.ts';

/** One of an option that may be given once a family. */
export function parseNodeAddress(text: string, earlier: NodeAddresses = {}): NodeAddresses {
  if (isIP(text) === 0) throw new InvalidArgumentError('Write an IP address of this machine.');
  const family = familyOf(text);
  if (earlier[family] !== undefined) throw new InvalidArgumentError(`There is an ${family} address already.`);
  return { ...earlier, [family]: text };
}

/** Addresses of this machine. */
export interface OwnAddress {
  readonly address: string;
  /** Of the loopback interface. */
  readonly internal: boolean;
}

/**
 * Where the listeners are: what `--address` says; else what the Node object says, as far as this machine has it; else the
 * first address of the machine that others can reach.
 */
export function nodeAddresses(
  { nodes }: Pick<Snapshot, 'nodes'>,
  nodeName: string,
  given: NodeAddresses | undefined,
  own: readonly OwnAddress[] = ownAddresses(),
): NodeAddresses {
  if (given !== undefined) {
    for (const address of Object.values(given)) {
      if (own.some((each) => each.address === address)) continue;
      throw new UsageError(`--address ${address}: this machine does not have the address`);
    }
    return given;
  }
  const said = nodes?.get(nodeName)?.internalIps ?? [];
  const usable = own.filter(({ address, internal }) => !internal && !/^(169\.254\.|fe[89ab])/i.test(address));
  const pick = (family: IpFamily): string | undefined =>
    said.find((address) => familyOf(address) === family && own.some((each) => each.address === address)) ??
    usable.find(({ address }) => familyOf(address) === family)?.address;
  const [IPv4, IPv6] = [pick('IPv4'), pick('IPv6')];
  if (IPv4 === undefined && IPv6 === undefined) {
    throw new UsageError('this machine has no address that Pods could reach: name one with --address');
  }
  return { ...(IPv4 !== undefined && { IPv4 }), ...(IPv6 !== undefined && { IPv6 }) };
}

function ownAddresses(): readonly OwnAddress[] {
  return Object.values(networkInterfaces()).flatMap((each) => each ?? []);
}

function familyOf(address: string): IpFamily {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
