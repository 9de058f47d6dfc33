import type { Random } from '@steelyard/core/balance';
import type { Clock } from '../clock.ts';
import { publishResolution } from '../events.ts';
import type { Target } from '../targets/parse-target.ts';
import { TargetError } from '../targets/target-error.ts';
import type { WatchPlan } from '../targets/watch-resolver.ts';
import { createApiClient } from './api-client.ts';
import type { Environment } from './credentials.ts';
import { loadCredentials } from './credentials.ts';
import { ServiceWatch } from './service-watch.ts';

const NAME = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/**
 * How a `k8s:///SERVICE[.NAMESPACE]:PORT[?kubeconfig=FILE]` target is watched.
 *
 * @param decided the policy is: the Service's annotations need not be read
 */
export function planKubernetes(
  target: Target,
  decided: boolean,
  clock: Clock,
  random: Random,
  environment: Environment,
): WatchPlan {
  const { text, authority, host, port, parameters } = target;
  const kubeconfig = parameters.text('kubeconfig');
  if (authority !== '') throw new TargetError(`${text}: leave out ${authority}; write k8s:///SERVICE.NAMESPACE:PORT`);
  const [service = '', ownNamespace, ...domain] = host.split('.');
  const isDomain = domain.length === 0 || domain[0] === 'svc';
  if (!NAME.test(service) || (ownNamespace !== undefined && !NAME.test(ownNamespace)) || !isDomain) {
    throw new TargetError(`${text}: ${host.slice(0, 80)} is no Service; write SERVICE or SERVICE.NAMESPACE`);
  }
  if (!/^(?:[1-9]\d{0,4}|[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)$/.test(port)) {
    throw new TargetError(
      `${text}: ${port === '' ? 'there is no port' : `the port is ${port}`}; write its name or number`,
    );
  }
  const credentials = loadCredentials(environment, kubeconfig);
  const namespace = ownNamespace ?? credentials.namespace;
  const what = `k8s:///${service}.${namespace}:${port}`;
  return {
    key: JSON.stringify([what, kubeconfig, decided]),
    create: () =>
      new ServiceWatch({
        what,
        namespace,
        service,
        port,
        annotations: !decided,
        api: createApiClient(credentials),
        clock,
        random,
        onNews: (endpoints, failure, note) =>
          publishResolution({
            target: what,
            outcome: failure !== undefined ? 'failed' : endpoints === 0 ? 'empty' : 'found',
            endpoints,
            note: failure ?? `the slices have changed${note === '' ? '' : `; ${note}`}`,
          }),
      }),
  };
}
