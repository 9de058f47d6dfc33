import type { PolicyConfig } from '../balance/policy-config.ts';
import type { EndpointWatch, WatchResult } from './endpoint-watch.ts';
import type { GrpcUri, ResolvedServiceConfig, Resolver, ResolverListener } from '../grpc-api.ts';
import { endpointsFound, endpointsUnavailable, TARGET_ATTRIBUTE } from '../grpc-api.ts';
import type { Target } from './parse-target.ts';
import { parseTarget } from './parse-target.ts';
import { expectResolver, resolverMade } from './proxy-warning.ts';
import { composeServiceConfig } from './service-config.ts';
import type { SharedWatches, Subscription } from './shared-watches.ts';
import { readTargetPolicy } from './target-policy.ts';

/** How a scheme finds endpoints. */
export interface Scheme {
  /**
   * @param decided neither the target nor the channel leaves the policy to the source
   * @throws TargetError
   */
  readonly plan: (target: Target, decided: boolean) => WatchPlan;
  readonly watches: SharedWatches;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface WatchPlan {
  /** The same for all targets that can share a watch. */
  readonly key: string;
  readonly create: () => EndpointWatch;
}

interface Plan extends WatchPlan {
  readonly serviceConfig: ResolvedServiceConfig;
  /** As it is with a policy of the source. */
  readonly withPolicy: (policy: PolicyConfig) => ResolvedServiceConfig;
}

/** The class that grpc-js makes a resolver of for each channel of a scheme. */
export interface WatchResolverClass {
  new (uri: GrpcUri, listener: ResolverListener, options: Readonly<Record<string, unknown>>): Resolver;
  getDefaultAuthority(uri: GrpcUri): string;
}

/**
 * A resolver that shares the watch of its name with all channels of the process. Nothing that is wrong with a target throws:
 * it becomes the status of the calls.
 */
export function createResolverClass(scheme: Scheme): WatchResolverClass {
  return class implements Resolver {
    readonly #listener: ResolverListener;
    readonly #text: string;
    /** Attributes go into the arguments of connections: always the same object, with the same values. */
    readonly #attributes: Readonly<Record<string, unknown>>;
    readonly #plan: Plan | string;
    #subscription: Subscription | undefined;
    #running = false;

    constructor(uri: GrpcUri, listener: ResolverListener, options: Readonly<Record<string, unknown>>) {
      resolverMade(uri);
      this.#listener = listener;
      this.#text = `${uri.scheme ?? ''}://${uri.authority ?? ''}/${uri.path}`;
      this.#attributes = { [TARGET_ATTRIBUTE]: this.#text };
      this.#plan = makePlan(scheme, uri, options);
    }

    updateResolution(): void {
      this.#running = true;
      const plan = this.#plan;
      if (typeof plan === 'string') {
        setImmediate(() => {
          if (this.#running) this.#listener(endpointsUnavailable(plan), this.#attributes, null, '');
        });
        return;
      }
      if (this.#subscription !== undefined) this.#subscription.refresh();
      else this.#subscription = scheme.watches.subscribe(plan.key, plan.create, (result) => this.#tell(result, plan));
    }

    destroy(): void {
      this.#running = false;
      this.#subscription?.close();
      this.#subscription = undefined;
    }

    #tell(result: WatchResult, plan: Plan): void {
      if (!this.#running) return;
      const { serviceConfig } = plan;
      if (!result.ok) {
        this.#listener(endpointsUnavailable(result.message), this.#attributes, serviceConfig, '');
        return;
      }
      const endpoints = result.endpoints.map(({ host, port, zone }) => ({
        addresses: [{ host, port }],
        // What grpc-js does not know of it hands on as it is.
        ...(zone !== undefined && { zone }),
      }));
      const { policy } = result;
      const config = policy === undefined ? serviceConfig : plan.withPolicy(policy);
      this.#listener(endpointsFound(endpoints), this.#attributes, config, result.note);
    }

    static getDefaultAuthority(uri: GrpcUri): string {
      expectResolver(uri);
      try {
        const { host, port } = parseTarget(uri, scheme.environment);
        const name = host.includes(':') ? `[${host}]` : host.replace(/\.$/, '');
        return /^\d+$/.test(port) ? `${name}:${port}` : name;
      } catch {
        // The resolver says what is wrong, as the status of the calls.
        return 'invalid.invalid';
      }
    }
  };
}

function makePlan(scheme: Scheme, uri: GrpcUri, options: Readonly<Record<string, unknown>>): Plan | string {
  try {
    const target = parseTarget(uri, scheme.environment);
    const policy = readTargetPolicy(target.text, target.parameters);
    const option = options['grpc.service_config'];
    const channelText = typeof option === 'string' ? option : undefined;
    const serviceConfig = composeServiceConfig(policy, channelText);
    const plan = scheme.plan(target, policy !== undefined || serviceConfig === null);
    target.parameters.finish();
    return { ...plan, serviceConfig, withPolicy: (chosen) => composeServiceConfig(chosen, channelText) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
