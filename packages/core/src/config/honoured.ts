/** Parts of VirtualService and DestinationRule that need work in the data plane beyond choosing a route and an endpoint. */
export type Honourable =
  | 'clientLabels'
  | 'timeout'
  | 'retries'
  | 'faultDelay'
  | 'mirror'
  | 'responseHeaders'
  | 'consistentHash'
  | 'hashCookie'
  | 'hashSourceAddress'
  | 'locality'
  | 'connectionPool'
  | 'outlierDetection'
  | 'retryBudget'
  | 'warmup'
  | 'tls';

/**
 * What the data plane does today of what is parsed in full. A part that is `false` keeps its Diagnostic: whoever wires it
 * into the proxy sets it to `true`, and only then its fields are silent.
 */
export const HONOURED: Readonly<Record<Honourable, boolean>> = {
  /** `sourceLabels`: the proxy is told the labels of its callers, and gives them to the compiler */
  clientLabels: true,
  /** `http[].timeout` */
  timeout: true,
  /** `http[].retries` and Istio's default policy */
  retries: false,
  /** `http[].fault.delay` */
  faultDelay: false,
  /** `http[].mirror`, `mirrors` */
  mirror: false,
  /** `headers.response` of rules and destinations */
  responseHeaders: true,
  /** `consistentHash`: the call's hash (`hashOfCall`) reaches `Picker.pick` */
  consistentHash: true,
  /** a cookie made for callers without one, `consistentHash.httpCookie.ttl` */
  hashCookie: false,
  /** `consistentHash.useSourceIp` */
  hashSourceAddress: true,
  /** `localityLbSetting`: pickers are made by `createClusterPicker` */
  locality: true,
  connectionPool: false,
  outlierDetection: false,
  retryBudget: false,
  warmup: false,
  tls: false,
};
