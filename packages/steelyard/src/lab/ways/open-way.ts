import { openHeadlessWay } from './headless-way.ts';
import { openProxyWay } from './proxy-way.ts';
import { openServiceWay } from './service-way.ts';
import type { OpenWay, WayContext } from './way-context.ts';
import type { Way } from './way.ts';

/** Of the node way. */
export const NEEDS_KERNEL: string =
  "it is the kernel's rules that send callers to the node's proxy: run with --kernel, as root";

/** Opens a way until `cleanup`; or says, as a sentence, why these manifests or this machine do not have it. */
export async function openWay(way: Way, context: WayContext): Promise<OpenWay | string> {
  switch (way) {
    case 'service':
      return openServiceWay(context);
    case 'headless':
      return openHeadlessWay(context);
    case 'proxy':
      return openProxyWay(context);
    case 'node':
      return NEEDS_KERNEL;
    default:
      return unknownWay(way);
  }
}

function unknownWay(way: never): never {
  throw new RangeError(`there is no way ${JSON.stringify(way)}`);
}
