import type { Random } from '@steelyard/core/balance';
import type { ConfigObject, EndpointSlice } from '@steelyard/core/config';
import { parseObjects } from '@steelyard/core/config';
import type { Service } from '@steelyard/core/model';
import type { Clock } from '../clock.ts';
import type { EndpointWatch, ResolvedEndpoint, WatchListener } from '../targets/endpoint-watch.ts';
import type { AnnotatedPolicy } from './annotated-policy.ts';
import { readAnnotatedPolicy } from './annotated-policy.ts';
import type { ApiClient } from './api-client.ts';
import { explainApiError } from './explain-api-error.ts';
import { joinSlices } from './join-slices.ts';
import { Reflector } from './reflector.ts';

export interface ServicePortName {
  readonly namespace: string;
  readonly service: string;
  /** The name of a port of the Service, or its number; a number is mapped by the Service to the Pods' own. */
  readonly port: string;
}

export interface ServiceWatchOptions extends ServicePortName {
  readonly what: string;
  readonly api: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether the Service is to say how calls are shared. */
  readonly annotations: boolean;
  /** `note`: what of the annotations is not honoured, as far as there is something. */
  readonly onNews?: (endpoints: number, failure: string | undefined, note: string) => void;
}

const SERVICE_WAIT_MS = 2000;

/**
 * Watches the EndpointSlices of one Service, and the Service itself where its port is given by number (a port's name is in the
 * slices, its number is not) or where its annotations are to be read. What is known stays when the API server is gone. Who may not
 * read Services can do without annotations, but not without port numbers.
 */
export class ServiceWatch implements EndpointWatch {
  readonly #options: ServiceWatchOptions;
  readonly #byNumber: boolean;
  readonly #slices: Reflector;
  readonly #service: Reflector | undefined;
  /** Until it is known whether there are annotations, nothing is told: another policy a moment later would be two beginnings. */
  #awaitsService: boolean;
  #cancelWait: () => void = () => undefined;
  #annotated: AnnotatedPolicy = { problems: [] };
  #listener: WatchListener | undefined;
  #sliceObjects: ReadonlyMap<string, unknown> | undefined;
  #serviceObjects: ReadonlyMap<string, unknown> | undefined;
  #endpoints: readonly ResolvedEndpoint[] | undefined;
  #fingerprint: string | undefined;
  #note = '';
  #failure: string | undefined;
  readonly #readObjects = new WeakMap<object, ConfigObject>();
  /** The last good version of each: one that cannot be read takes nothing away. */
  readonly #lastSlices = new Map<string, EndpointSlice>();
  #lastService: Service | undefined;

  constructor(options: ServiceWatchOptions) {
    this.#options = options;
    this.#byNumber = /^\d+$/.test(options.port);
    const { namespace, service } = options;
    this.#awaitsService = options.annotations;
    const reflect = (
      path: string,
      selector: string,
      onObjects: (objects: ReadonlyMap<string, unknown>) => void,
      onError: (error: unknown) => void = (error) => this.#failed(error),
    ): Reflector =>
      new Reflector({
        ...options,
        path,
        selector,
        onObjects,
        onAlive: () => {
          // While nothing is known yet, what is wrong stays the answer.
          if (this.#endpoints !== undefined) this.#failure = undefined;
        },
        onError,
      });
    this.#slices = reflect(
      `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      `labelSelector=${encodeURIComponent(`kubernetes.io/service-name=${service}`)}`,
      (objects) => {
        this.#sliceObjects = objects;
        this.#join();
      },
    );
    if (!this.#byNumber && !options.annotations) return;
    const selector = `fieldSelector=${encodeURIComponent(`metadata.name=${service}`)}`;
    this.#service = reflect(
      `/api/v1/namespaces/${namespace}/services`,
      selector,
      (objects) => this.#readService(objects),
      (error) => this.#serviceFailed(error),
    );
  }

  open(listener: WatchListener): void {
    this.#listener = listener;
    this.#slices.start();
    this.#service?.start();
  }

  /** The watch is as up to date as can be; what it knows is told again. */
  refresh(): void {
    queueMicrotask(() => this.#tell());
  }

  close(): void {
    this.#listener = undefined;
    this.#cancelWait();
    this.#slices.stop();
    this.#service?.stop();
  }

  #readService(objects: ReadonlyMap<string, unknown>): void {
    const { service: name, annotations } = this.#options;
    this.#serviceObjects = objects;
    const read = this.#read(objects.get(name));
    // One that cannot be read takes nothing away.
    if (read?.kind === 'Service') this.#lastService = read;
    else if (!objects.has(name)) this.#lastService = undefined;
    this.#awaitsService = false;
    this.#cancelWait();
    if (annotations) this.#takeAnnotations(this.#lastService?.annotations ?? {});
    this.#join();
  }

  /** The slices are there, and nothing is heard of the Service: its annotations can come later. */
  #goWithoutService(): void {
    this.#awaitsService = false;
    this.#join();
  }

  #takeAnnotations(settings: NonNullable<Service['annotations']>): void {
    const annotated = readAnnotatedPolicy(settings);
    const { policy: known } = this.#annotated;
    const isSame = known !== undefined && annotated.policy?.equals(known) === true;
    this.#annotated = isSame ? { ...annotated, policy: known } : annotated;
  }

  /** Only a port by its number needs the Service; without its annotations the default policy serves. */
  #serviceFailed(error: unknown): void {
    if (this.#byNumber) {
      this.#failed(error);
      return;
    }
    if (!this.#awaitsService) return;
    this.#awaitsService = false;
    this.#cancelWait();
    const why = explainApiError(error, this.#options, true);
    this.#annotated = { problems: [`The annotations of the Service are not read: ${why}.`] };
    this.#join();
  }

  #join(): void {
    if (this.#sliceObjects === undefined) return;
    if (this.#awaitsService) {
      this.#cancelWait();
      this.#cancelWait = this.#options.clock.setTimer(() => this.#goWithoutService(), SERVICE_WAIT_MS);
      return;
    }
    const portName = this.#byNumber ? this.#nameOfPort() : this.#options.port;
    if (portName === undefined) return;
    const { service, namespace, port } = this.#options;
    const endpoints = joinSlices(this.#readSlices(this.#sliceObjects), portName);
    const none = `Service ${namespace}/${service} has no ready endpoint with the port ${port}`;
    this.#accept(endpoints, endpoints.length === 0 ? none : '');
  }

  /** By the Service; `undefined` while it is not known, and when it has no such port, which is accepted as having no endpoint. */
  #nameOfPort(): string | undefined {
    if (this.#serviceObjects === undefined) return undefined;
    const { service: name, namespace, port } = this.#options;
    const ports = this.#lastService?.ports.filter(({ protocol }) => protocol === 'TCP');
    if (ports === undefined) {
      this.#accept([], `there is no Service ${namespace}/${name}`);
      return undefined;
    }
    const found = ports.find((each) => each.port === Number(port));
    if (found === undefined) {
      const there = ports.map((each) => `${each.name || 'unnamed'} (${each.port})`).join(', ');
      this.#accept([], `Service ${namespace}/${name} has no TCP port ${port}; it has ${there || 'none'}`);
    }
    return found?.name;
  }

  #readSlices(objects: ReadonlyMap<string, unknown>): readonly EndpointSlice[] {
    const slices: EndpointSlice[] = [];
    for (const [name, object] of objects) {
      const read = this.#read(object);
      if (read?.kind === 'EndpointSlice') this.#lastSlices.set(name, read);
      const slice = this.#lastSlices.get(name);
      if (slice !== undefined) slices.push(slice);
    }
    for (const name of this.#lastSlices.keys()) if (!objects.has(name)) this.#lastSlices.delete(name);
    return slices;
  }

  /** An object that has not changed is not read again: of ten slices one changes at a time. */
  #read(value: unknown): ConfigObject | undefined {
    if (typeof value !== 'object' || value === null) return undefined;
    const known = this.#readObjects.get(value);
    if (known !== undefined) return known;
    const document = { file: 'api-server', value, locate: () => undefined };
    const read = parseObjects([document], { defaultNamespace: this.#options.namespace }).objects[0]?.object;
    if (read !== undefined) this.#readObjects.set(value, read);
    return read;
  }

  #accept(endpoints: readonly ResolvedEndpoint[], reason: string): void {
    const { policy, problems } = this.#annotated;
    const fingerprint = JSON.stringify([endpoints, reason, policy?.toJsonObject(), problems]);
    this.#failure = undefined;
    if (fingerprint === this.#fingerprint) return;
    this.#fingerprint = fingerprint;
    this.#endpoints = endpoints;
    this.#note = reason;
    this.#options.onNews?.(endpoints.length, undefined, problems.join(' '));
    this.#tell();
  }

  #failed(error: unknown): void {
    const failure = explainApiError(error, this.#options, this.#byNumber);
    if (failure === this.#failure) return;
    this.#failure = failure;
    this.#options.onNews?.(this.#endpoints?.length ?? 0, failure, '');
    if (this.#endpoints === undefined) this.#tell();
  }

  #tell(): void {
    const { what } = this.#options;
    if (this.#endpoints !== undefined) {
      const note = this.#failure === undefined ? this.#note : `${this.#note} ${this.#failure}; what was known stays`;
      const { policy } = this.#annotated;
      this.#listener?.({
        ok: true,
        endpoints: this.#endpoints,
        note: `${what}: ${note.trim() || 'watched'}`,
        ...(policy && { policy }),
      });
    } else if (this.#failure !== undefined) {
      this.#listener?.({ ok: false, message: `${what}: ${this.#failure}` });
    }
  }
}
