import type { Random } from '@steelyard/core/balance';
import type { OutlierDetectionOptions } from '@steelyard/core/health';
import { chooseSubset, DEFAULT_LATENCY } from '@steelyard/core/balance';
import { OutlierDetector } from '@steelyard/core/health';
import type { ChannelBalance, EndpointBalance } from './balance-report.ts';
import { listBalance } from './balance-report.ts';
import { callOutcome } from './call-outcome.ts';
import type { Clock } from './clock.ts';
import { connectionOptions } from './connection-options.ts';
import type { ChildObserver, Trailers } from './endpoint-child.ts';
import { EndpointChild, endpointKey } from './endpoint-child.ts';
import type { EndpointEvent } from './events.ts';
import { publishEndpoint } from './events.ts';
import type { BalancerOptions, ChannelControlHelper, GrpcEndpoint, LoadBalancer } from './grpc-api.ts';
import type { StatusOr, TypedLoadBalancingConfig } from './grpc-api.ts';
import { connectivityState, createQueuePicker, createUnavailablePicker, TARGET_ATTRIBUTE } from './grpc-api.ts';
import { LOAD_REPORT_TRAILER, parseLoadReport } from './parse-load-report.ts';
import type { BalancerConfig, PolicyName } from './policy-config.ts';
import { PolicyConfig } from './policy-config.ts';
import { ReadyPicker } from './ready-picker.ts';

export interface BalancerEnvironment {
  readonly random: Random;
  readonly clock: Clock;
}

interface Connection {
  readonly endpoint: GrpcEndpoint;
  /** From 0, of those to one endpoint. */
  readonly number: number;
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
  #detector: OutlierDetector | undefined;
  #cancelSweep: () => void = () => undefined;
  #config: PolicyConfig | undefined;
  #picker: ReadyPicker | undefined;
  #target = '';
  #lastError = '';
  /** While an address list is taken over, children report, but the channel hears of it once, at the end. */
  #updating = false;

  constructor(helper: ChannelControlHelper, name: PolicyName, environment: BalancerEnvironment) {
    this.#helper = helper;
    this.#name = name;
    this.#environment = environment;
    this.#subsetSeed = Math.floor(environment.random() * 2 ** 32);
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
    if (this.#config?.equals(config) !== true) this.#configure(config);
    this.#updating = true;
    this.#replaceChildren(this.#choose(endpoints.value, config.config), options, resolutionNote);
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

  exitIdle(): void {
    for (const child of this.#children.values()) child.exitIdle();
  }

  resetBackoff(): void {
    // The leaves keep their backoff to themselves; grpc-js gives no way to reset it.
  }

  destroy(): void {
    this.#cancelSweep();
    this.#unlist();
    for (const child of this.#children.values()) child.destroy();
    this.#children.clear();
  }

  getTypeName(): string {
    return this.#name;
  }

  balance(): ChannelBalance {
    const children = [...this.#children.values()];
    const total = children.reduce((sum, { startedCalls }) => sum + startedCalls, 0);
    const byAddress = new Map<string, EndpointBalance>();
    for (const child of children) {
      const other = byAddress.get(child.address);
      byAddress.set(child.address, {
        endpoint: child.address,
        ...(child.zone !== undefined && { zone: child.zone }),
        connected: child.state === connectivityState.READY || other?.connected === true,
        ejected: child.health.ejectedAtMs !== undefined && other?.ejected !== false,
        calls: child.startedCalls + (other?.calls ?? 0),
        failed: child.failedCalls + (other?.failed ?? 0),
        active: child.activeRequests + (other?.active ?? 0),
        share: (total === 0 ? 0 : child.startedCalls / total) + (other?.share ?? 0),
      });
    }
    return { target: this.#target, policy: this.#name, endpoints: [...byAddress.values()] };
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
        if (weighted !== undefined) {
          const report = loadReportOf(trailers);
          if (report !== undefined) child.backendWeight.report(report, weighted, now());
        }
        if (this.#detector === undefined || outcome === 'abandoned') return;
        if (!this.#detector.record(child.health, outcome === 'bad', now())) return;
        this.#announce(child, 'ejected');
        this.#publish();
      },
    };
    this.#observer = observer;
    for (const child of this.#children.values()) child.observe(observer);
    this.#detectOutliers(outlierDetection);
  }

  #detectOutliers(options: OutlierDetectionOptions | undefined): void {
    this.#cancelSweep();
    this.#detector = undefined;
    if (options === undefined) {
      for (const { health } of this.#children.values()) health.ejectedAtMs = undefined;
      return;
    }
    const { clock, random } = this.#environment;
    const detector = new OutlierDetector(options, random);
    this.#detector = detector;
    for (const { health } of this.#children.values()) detector.add(health);
    const sweep = (): void => {
      this.#cancelSweep = clock.setTimer(sweep, options.intervalMs);
      const before = this.#ejected();
      if (!detector.sweep(clock.now())) return;
      const after = this.#ejected();
      for (const child of after) if (!before.has(child)) this.#announce(child, 'ejected');
      for (const child of before) if (!after.has(child)) this.#announce(child, 'returned');
      this.#publish();
    };
    this.#cancelSweep = clock.setTimer(sweep, options.intervalMs);
  }

  #ejected(): ReadonlySet<EndpointChild> {
    return new Set([...this.#children.values()].filter(({ health }) => health.ejectedAtMs !== undefined));
  }

  /** The connections to be held, by address and number. A repeated address counts once. */
  #choose(endpoints: readonly GrpcEndpoint[], config: BalancerConfig): ReadonlyMap<string, Connection> {
    const { subsetSize, connectionsPerEndpoint = 1 } = config;
    const byKey = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
    const chosen =
      subsetSize === undefined || byKey.size <= subsetSize
        ? byKey
        : chooseSubset([...byKey], subsetSize, this.#subsetSeed, ([key]) => key);
    const connections = new Map<string, Connection>();
    for (const [key, endpoint] of chosen) {
      for (let number = 0; number < connectionsPerEndpoint; number++) {
        connections.set(number === 0 ? key : `${key}#${number}`, { endpoint, number });
      }
    }
    return connections;
  }

  #replaceChildren(wanted: ReadonlyMap<string, Connection>, options: BalancerOptions, resolutionNote: string): void {
    for (const [key, child] of this.#children) {
      if (wanted.has(key)) continue;
      this.#children.delete(key);
      this.#detector?.delete(child.health);
      child.destroy();
      this.#announce(child, 'removed');
    }
    const observer = this.#observer;
    if (observer === undefined) return;
    for (const [key, { endpoint, number }] of wanted) {
      // A known endpoint keeps its connection, whatever else the resolver says this time.
      if (this.#children.has(key)) continue;
      const childOptions = connectionOptions(options, number);
      const child = new EndpointChild(endpoint, key, this.#helper, childOptions, resolutionNote, observer);
      this.#children.set(key, child);
      this.#detector?.add(child.health);
      this.#announce(child, 'added');
      child.connect();
    }
  }

  #childChanged(child: EndpointChild, errorMessage: string | null): void {
    if (errorMessage !== null) this.#lastError = errorMessage;
    const change = child.takeChange();
    if (change !== undefined) this.#announce(child, change);
    this.#publish();
  }

  #announce(child: EndpointChild, change: EndpointEvent['change']): void {
    publishEndpoint({ target: this.#target, policy: this.#name, endpoint: child.key, change });
  }

  /** Tells the channel what the children amount to together (as gRPC's round_robin: ready if one is). */
  #publish(): void {
    if (this.#updating || this.#config === undefined) return;
    // A child that fell idle connects again: every endpoint is to be there before a call needs it.
    this.#updating = true;
    this.exitIdle();
    this.#updating = false;

    const children = [...this.#children.values()];
    const connected = children.filter((child) => child.state === connectivityState.READY);
    if (connected.length > 0) {
      const healthy = connected.filter(({ health }) => health.ejectedAtMs === undefined);
      // Better a suspect than none.
      const ready = healthy.length > 0 ? healthy : connected;
      if (this.#picker?.serves(ready) === true) return;
      const { random, clock } = this.#environment;
      this.#picker = new ReadyPicker(this.#config.config, ready, random, clock.now);
      this.#helper.updateState(connectivityState.READY, this.#picker, null);
      return;
    }
    this.#picker = undefined;
    if (children.some((child) => child.state === connectivityState.CONNECTING)) {
      this.#helper.updateState(connectivityState.CONNECTING, createQueuePicker(this), null);
    } else if (children.some((child) => child.state === connectivityState.TRANSIENT_FAILURE)) {
      this.#fail(`none of ${children.length} endpoints can be connected to; the last error: ${this.#lastError}`);
    } else {
      this.#helper.updateState(connectivityState.IDLE, createQueuePicker(this), null);
    }
  }

  #fail(reason: string): void {
    const message = `${this.#name}: ${reason}`;
    this.#helper.updateState(connectivityState.TRANSIENT_FAILURE, createUnavailablePicker(message), message);
  }
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
