import { basename, dirname } from 'node:path';
import type { Backends } from '../processes/backends.ts';
import { ECHO_PROTO_PATH } from '../processes/echo-definition.ts';
import { formatAddress } from '../../net-address.ts';
import type { LabTarget } from '../lab-target.ts';
import { podKey } from '../lab-target.ts';
import type { OpenWay } from '../ways/way-context.ts';

/** How to call each open way by hand: commands that can be pasted as they are. */
export function renderInvitation(ways: readonly OpenWay[], target: LabTarget, backends: Backends): string {
  return ways.map((way) => `${way.way}\n${linesFor(way, target, backends).join('\n')}\n`).join('\n');
}

function linesFor(way: OpenWay, target: LabTarget, backends: Backends): string[] {
  switch (way.way) {
    case 'service':
      return [
        '  # each run is a new connection, so the rules choose anew',
        `  ${say(way, formatAddress(way.address))}`,
      ];
    case 'proxy':
    case 'node':
      return [
        '  # call it as often as you like over one connection: the proxy chooses for every call',
        `  ${say(way, formatAddress(way.address), way.authority)}`,
      ];
    case 'headless': {
      const name = /\/\/[^/]+\/(?<host>.+):\d+$/.exec(way.target)?.groups?.['host'] ?? '';
      const first = target.pods[0] === undefined ? undefined : backends.addresses.get(podKey(target.pods[0]));
      return [
        '  # the pods that DNS answers with, then a call to one of them',
        `  ${within(way)}dig @${way.address.host} -p ${way.address.port} +short ${name}`,
        ...(first === undefined ? [] : [`  ${say(way, formatAddress(first))}`]),
        '  # a Node program with @steelyard/grpc-js can take the whole target:',
        `  BACKEND_ADDR=${way.target}`,
      ];
    }
    default:
      return unknownWay(way.way);
  }
}

/** What leads into the caller's network, where it has one of its own. */
function within({ callerNetworkOf }: OpenWay): string {
  return callerNetworkOf === undefined ? '' : `sudo nsenter -t ${callerNetworkOf} -n `;
}

function say(way: OpenWay, address: string, authority?: string): string {
  const named = authority === undefined ? '' : ` -authority ${authority}`;
  // An absolute -proto alone is refused by grpcurl: it wants the folder to import from.
  const proto = `-import-path ${shellWord(dirname(ECHO_PROTO_PATH))} -proto ${basename(ECHO_PROTO_PATH)}`;
  return `${within(way)}grpcurl -plaintext ${proto}${named} -d '{"message":"hello"}' ${address} echo.Echo/Say`;
}

/** A path as one word of a POSIX shell. */
function shellWord(text: string): string {
  return /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

function unknownWay(way: never): never {
  throw new RangeError(`there is no way ${JSON.stringify(way)}`);
}
