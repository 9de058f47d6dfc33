import { openHeadlessWay } from './headless-way.ts';
import { openProxyWay } from './proxy-way.ts';
import { openServiceWay } from './service-way.ts';
import type { OpenWay, WayContext } from './way-context.ts';
import type { Way } from './way.ts';

/** Opens a way until `cleanup`; or says, as a sentence, why these manifests or this machine do not have it. */
export async function openWay(way: Way, context: WayContext): Promise<OpenWay | string> {
  switch (way) {
    case 'service':
      return openServiceWay(context);
    case 'headless':
      return openHeadlessWay(context);
    case 'proxy':
      return openProxyWay(context);
    default:
      return unknownWay(way);
  }
}

function unknownWay(way: never): never {
  throw new RangeError(`there is no way ${JSON.stringify(way)}`);
}
