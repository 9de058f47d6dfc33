/** Parts of VirtualService, DestinationRule and our annotations that need work in the data plane beyond choosing a route and an endpoint. */
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
  | 'tls'
  | 'extendedPolicy'
  | 'subsetSize'
  | 'healthCheck'
  | 'hedging'
  | 'rateEjections'
  | 'grpcPorts';

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
  retries: true,
  /** `http[].fault.delay` */
  faultDelay: true,
  /** `http[].mirror`, `mirrors` */
  mirror: true,
  /** `headers.response` of rules and destinations */
  responseHeaders: true,
  /** `consistentHash`: the call's hash (`hashOfCall`) reaches `Picker.pick` */
  consistentHash: true,
  /** a cookie made for callers without one, `consistentHash.httpCookie.ttl` */
  hashCookie: true,
  /** `consistentHash.useSourceIp` */
  hashSourceAddress: true,
  /** `localityLbSetting`, `zoneAwareLbSetting`: pickers are made by `createClusterPicker` */
  locality: true,
  connectionPool: true,
  outlierDetection: true,
  retryBudget: true,
  warmup: true,
  tls: true,
  /** `Cluster.extensions.policy` */
  extendedPolicy: true,
  /** `Cluster.extensions.subsetSize` */
  subsetSize: true,
  /** `Cluster.extensions.healthCheck` */
  healthCheck: true,
  /** `Cluster.extensions.hedging` */
  hedging: true,
  /** `Cluster.extensions.rateEjections` */
  rateEjections: true,
  /** `Service.grpcPorts`: which ports the node's rules hand to the proxy */
  grpcPorts: true,
};
