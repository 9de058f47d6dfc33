/** What of OpenTelemetry's `Meter` is used: any object like it will do, and this package depends on none. */
export interface MeterLike {
  createCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Attributes): void };
  createUpDownCounter(name: string, options?: InstrumentOptions): { add(value: number, attributes?: Attributes): void };
  createHistogram(name: string, options?: InstrumentOptions): { record(value: number, attributes?: Attributes): void };
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableLike;
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableLike;
}

export interface InstrumentOptions {
  readonly description?: string;
  readonly unit?: string;
}

export type Attributes = Record<string, string>;

export type ObserveCallback = (result: { observe(value: number, attributes?: Attributes): void }) => void;

export interface ObservableLike {
  addCallback(callback: ObserveCallback): void;
  removeCallback(callback: ObserveCallback): void;
}
