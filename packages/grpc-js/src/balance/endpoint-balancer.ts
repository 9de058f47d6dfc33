import type { Picker, Random } from '@steelyard/core/balance';
import { chooseSubset, DEFAULT_LATENCY, LOAD_REPORT_TRAILER, parseLoadReport } from '@steelyard/core/balance';
import type { ChannelBalance, EndpointBalance } from './balance-report.ts';
import { listBalance, retire } from './balance-report.ts';
import { callOutcome } from './call-outcome.ts';
import type { Clock } from '../clock.ts';
import { hasOwnKeepalive } from './connection-options.ts';
import type { ChildObserver, ConnectionCounts, Trailers } from './endpoint-child.ts';
import { EndpointChild, endpointKey } from './endpoint-child.ts';
import type { EndpointEvent } from '../events.ts';
import { publishEndpoint } from '../events.ts';
import type { BalancerOptions, ChannelControlHelper, GrpcEndpoint, LoadBalancer } from '../grpc-api.ts';
import type { StatusOr, SubchannelPicker, TypedLoadBalancingConfig } from '../grpc-api.ts';
import { connectivityState, createQueuePicker, createUnavailablePicker, TARGET_ATTRIBUTE } from '../grpc-api.ts';
import { OutOfBandReports } from '../orca/out-of-band-reports.ts';
import { LazyPicker } from './lazy-picker.ts';
import { Liveness } from './liveness.ts';
import { OutlierWatch } from './outlier-watch.ts';
import type { PodConnection } from './pod-connection.ts';
import type { BalancerConfig, PolicyName } from './policy-config.ts';
import { PolicyConfig } from './policy-config.ts';
import { createPolicyPicker } from './policy-picker.ts';
import { callHash, ReadyPicker } from './ready-picker.ts';

export interface BalancerEnvironment {
  readonly random: Random;
  readonly clock: Clock;
}

/**
 * A grpc-js load balancer around a policy of `@steelyard/core`: holds a connection to every endpoint that the resolver
 * names (or to a subset) and lets the policy choose among the connected ones, call by call.
 */
export class EndpointBalancer implements LoadBalancer {
  readonly #helper: ChannelControlHelper;
  readonly #name: PolicyName;
  readonly #environment: BalancerEnvironment;
  /** By their addresses: an update of a thousand must not compare each with each, as grpc-js's own map does. */
  readonly #children = new Map<string, EndpointChild>();
  readonly #subsetSeed: number;
  readonly #unlist: () => void;
  #observer: ChildObserver | undefined;
  readonly #outliers: OutlierWatch;
  readonly #reports: OutOfBandReports;
  #config: PolicyConfig | undefined;
  /** Absent when there is to be a new one. */
  #picker: ReadyPicker | undefined;
  /** The pickers made last, of those connected and of all: the next ones start from them. */
  #lastReady: ReadyPicker | undefined;
  #lastOfAll: Picker<EndpointChild> | undefined;
  readonly #liveness: Liveness;
  #target = '';
  #lastError = '';
  /** While an address list is taken over, children report, but the channel hears of it once, at the end. */
  #updating = false;

  constructor(helper: ChannelControlHelper, name: PolicyName, environment: BalancerEnvironment) {
    this.#helper = helper;
    this.#name = name;
    this.#environment = environment;
    this.#subsetSeed = Math.floor(environment.random() * 2 ** 32);
    this.#liveness = new Liveness(environment.clock, () => this.#connections());
    this.#reports = new OutOfBandReports(environment.clock);
    this.#outliers = new OutlierWatch(this.#children, environment.clock, environment.random, (changes) => {
      for (const [child, change] of changes) this.#announce(child, change);
      this.#publish();
    });
    this.#unlist = listBalance(this);
  }

  updateAddressList(
    endpoints: StatusOr<GrpcEndpoint[]>,
    config: TypedLoadBalancingConfig,
    options: BalancerOptions,
    resolutionNote: string,
  ): boolean {
    if (!(config instanceof PolicyConfig)) return false;
    if (!endpoints.ok) {
      // Known endpoints serve on: a resolver that fails says nothing about them.
      if (this.#children.size === 0) this.#fail(endpoints.error.details);
      return true;
    }
    const target: unknown = options[TARGET_ATTRIBUTE];
    if (typeof target === 'string') this.#target = target;
    if (this.#config === undefined && !hasOwnKeepalive(options)) this.#liveness.start();
    if (this.#config?.equals(config) !== true) this.#configure(config);
    this.#updating = true;
    this.#replaceChildren(this.#choose(endpoints.value, config.config), config.config, options, resolutionNote);
    this.#updating = false;
    // An empty list is accepted, too: were it not, calls would wait for another one instead of failing with the reason.
    if (this.#children.size === 0) {
      this.#picker = undefined;
      this.#fail(`no addresses resolved${resolutionNote === '' ? '' : ` (${resolutionNote})`}`);
    } else {
      this.#publish();
    }
    return true;
  }

  /** Somebody waits for the channel to be ready. */
  exitIdle(): void {
    if (this.#config?.config.lazy !== true) {
      for (const child of this.#children.values()) child.connect();
      return;
    }
    // A call that has asked for it chooses its own first.
    setImmediate(() => {
      const children = [...this.#children.values()];
      if (!children.every(({ state }) => state === connectivityState.IDLE)) return;
      children[Math.floor(this.#environment.random() * children.length)]?.connect();
    });
  }

  resetBackoff(): void {
    // The leaves keep their backoff to themselves; grpc-js gives no way to reset it.
  }

  destroy(): void {
    this.#outliers.stop();
    this.#reports.stop();
    this.#liveness.stop();
    this.#unlist();
    for (const child of this.#children.values()) {
      retire(this.#target, child);
      child.destroy();
    }
    this.#children.clear();
  }

  getTypeName(): string {
    return this.#name;
  }

  balance(): ChannelBalance {
    const children = [...this.#children.values()];
    const total = children.reduce((sum, { startedCalls }) => sum + startedCalls, 0);
    const endpoints = children.map((child): EndpointBalance => ({
      endpoint: child.key,
      ...(child.zone !== undefined && { zone: child.zone }),
      connected: child.state === connectivityState.READY,
      ejected: child.health.ejectedAtMs !== undefined,
      connections: child.connections.filter(({ isReady }) => isReady).length,
      calls: child.startedCalls,
      failed: child.failedCalls,
      active: child.activeRequests,
      share: total === 0 ? 0 : child.startedCalls / total,
    }));
    return { target: this.#target, policy: this.#name, endpoints };
  }

  *#connections(): Generator<PodConnection> {
    for (const { connections } of this.#children.values()) yield* connections;
  }

  #configure(config: PolicyConfig): void {
    this.#config = config;
    this.#picker = undefined;
    const { policy, outlierDetection } = config.config;
    const weighted = policy.kind === 'WEIGHTED_ROUND_ROBIN' ? policy.options : undefined;
    const timed = policy.kind === 'PEAK_EWMA';
    const { now } = this.#environment.clock;
    const observer: ChildObserver = {
      now,
      latency: timed ? policy.latency : DEFAULT_LATENCY,
      timed: timed || weighted !== undefined || outlierDetection !== undefined,
      onChange: (child, errorMessage) => this.#childChanged(child, errorMessage),
      onCallEnded: (child, code, durationMs, trailers) => {
        const outcome = callOutcome(code);
        if (timed) recordLatency(child, outcome, durationMs, now());
        if (weighted !== undefined && config.config.oobReportingPeriodMs === undefined) {
          const report = loadReportOf(trailers);
          if (report !== undefined) child.backendWeight.report(report, weighted, now());
        }
        this.#outliers.record(child, outcome);
      },
    };
    this.#observer = observer;
    for (const child of this.#children.values()) child.observe(observer, connectionCounts(config.config));
    this.#outliers.configure(outlierDetection);
    const periodMs = config.config.oobReportingPeriodMs;
    const isOutOfBand = weighted !== undefined && periodMs !== undefined;
    const connected = [...this.#children.values()].filter(({ state }) => state === connectivityState.READY);
    this.#reports.configure(isOutOfBand ? { periodMs, weight: weighted } : undefined, connected);
  }

  /** The endpoints to be held, by their addresses. A repeated address counts once. */
  #choose(endpoints: readonly GrpcEndpoint[], { subsetSize }: BalancerConfig): ReadonlyMap<string, GrpcEndpoint> {
    const byKey = new Map<string, GrpcEndpoint>();
    for (const endpoint of endpoints) byKey.set(endpointKey(endpoint), endpoint);
    if (subsetSize === undefined || byKey.size <= subsetSize) return byKey;
    return new Map(chooseSubset([...byKey], subsetSize, this.#subsetSeed, ([key]) => key));
  }

  #replaceChildren(
    wanted: ReadonlyMap<string, GrpcEndpoint>,
    config: BalancerConfig,
    options: BalancerOptions,
    resolutionNote: string,
  ): void {
    for (const [key, child] of this.#children) {
      if (wanted.has(key)) continue;
      this.#children.delete(key);
      retire(this.#target, child);
      this.#outliers.delete(child);
      this.#reports.drop(child);
      child.destroy();
      this.#announce(child, 'removed');
    }
    const observer = this.#observer;
    if (observer === undefined) return;
    const settings = { helper: this.#helper, options, resolutionNote };
    for (const [key, endpoint] of wanted) {
      // A known endpoint keeps its connection, whatever else the resolver says this time.
      if (this.#children.has(key)) continue;
      const child = new EndpointChild(endpoint, key, settings, connectionCounts(config), observer);
      this.#children.set(key, child);
      this.#outliers.add(child);
      this.#announce(child, 'added');
      if (config.lazy !== true) child.connect();
    }
  }

  #childChanged(child: EndpointChild, errorMessage: string | null): void {
    if (errorMessage !== null) this.#lastError = errorMessage;
    const change = child.takeChange();
    // Calls that wait for a connection more are picked for again.
    if (change === 'widened') this.#picker = undefined;
    else if (change !== undefined) this.#announce(child, change);
    if (change === 'connected') this.#reports.follow(child);
    else if (change === 'lost') this.#reports.drop(child);
    const isLazy = this.#config?.config.lazy === true;
    // A child that fell idle connects again: every endpoint is to be there before a call needs it.
    if (!this.#updating && !isLazy && child.state === connectivityState.IDLE) child.connect();
    if (isLazy && child.state === connectivityState.TRANSIENT_FAILURE) this.#connectAnother();
    // Of a thousand one that dials is no news to the channel while others serve.
    if (change !== undefined || this.#picker === undefined || isLazy) this.#publish();
  }

  /** Whoever waited for one that cannot be connected to is not to wait in vain. */
  #connectAnother(): void {
    const { READY, CONNECTING, IDLE } = connectivityState;
    const children = [...this.#children.values()];
    if (children.some(({ state }) => state === READY || state === CONNECTING)) return;
    const idle = children.find(({ state }) => state === IDLE);
    process.nextTick(() => idle?.connect());
  }

  #announce(child: EndpointChild, change: EndpointEvent['change']): void {
    publishEndpoint({ target: this.#target, policy: this.#name, endpoint: child.key, change });
  }

  /** Tells the channel what the children amount to together (as gRPC's round_robin: ready if one is). */
  #publish(): void {
    if (this.#updating || this.#config === undefined) return;
    const children = [...this.#children.values()];
    const connected = children.filter((child) => child.state === connectivityState.READY);
    if (connected.length > 0) {
      const healthy = connected.filter(({ health }) => health.ejectedAtMs === undefined);
      // Better a suspect than none.
      const ready = healthy.length > 0 ? healthy : connected;
      if (this.#picker?.serves(ready) === true) return;
      const { random, clock } = this.#environment;
      this.#picker = new ReadyPicker(this.#config.config, ready, random, clock.now, this.#target, this.#lastReady);
      this.#lastReady = this.#picker;
      this.#helper.updateState(connectivityState.READY, this.#lazily(children, this.#picker) ?? this.#picker, null);
      return;
    }
    this.#picker = undefined;
    const isLazy = this.#config.config.lazy === true;
    const waiting = this.#lazily(children, undefined) ?? createQueuePicker(this);
    const { CONNECTING, IDLE } = connectivityState;
    if (children.some(({ state }) => state === CONNECTING || (isLazy && state === IDLE))) {
      // Not idle either while it is lazy: who waits for the channel (waitForReady) would not be heard of.
      this.#helper.updateState(CONNECTING, waiting, null);
    } else if (children.every(({ state }) => state === IDLE)) {
      this.#helper.updateState(IDLE, waiting, null);
    } else {
      this.#fail(`none of ${children.length} endpoints can be connected to; the last error: ${this.#lastError}`);
    }
  }

  /** Where connections are made as calls ask for them, the choice is among all endpoints. */
  #lazily(children: readonly EndpointChild[], ready: ReadyPicker | undefined): SubchannelPicker | undefined {
    const config = this.#config?.config;
    if (config?.lazy !== true) return undefined;
    const healthy = children.filter(({ health }) => health.ejectedAtMs === undefined);
    const { random, clock } = this.#environment;
    const all = healthy.length > 0 ? healthy : children;
    this.#lastOfAll = createPolicyPicker(config, all, random, clock.now, this.#target, this.#lastOfAll);
    return new LazyPicker(children, this.#lastOfAll, ready, callHash(config));
  }

  #fail(reason: string): void {
    const message = `${this.#name}: ${reason}`;
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, createUnavailablePicker(message), message);
  }
}

const DEFAULT_MOST_CONNECTIONS = 4;

function connectionCounts({ connectionsPerEndpoint = 1, maxConnectionsPerEndpoint }: BalancerConfig): ConnectionCounts {
  const most = maxConnectionsPerEndpoint ?? DEFAULT_MOST_CONNECTIONS;
  return { least: connectionsPerEndpoint, most: Math.max(most, connectionsPerEndpoint) };
}

function recordLatency(
  child: EndpointChild,
  outcome: ReturnType<typeof callOutcome>,
  durationMs: number,
  nowMs: number,
): void {
  switch (outcome) {
    case 'good':
      return child.latency.observe(durationMs, nowMs);
    case 'bad':
      return child.latency.observeFailure(durationMs, nowMs);
    case 'abandoned':
      return child.latency.observeAbandoned(durationMs, nowMs);
  }
}

function loadReportOf(trailers: Trailers): ReturnType<typeof parseLoadReport> {
  const [bytes] = trailers.get(LOAD_REPORT_TRAILER);
  return bytes instanceof Uint8Array ? parseLoadReport(bytes) : undefined;
}
