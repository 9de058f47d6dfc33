import { ANNOTATION_PREFIX, type AnnotationName } from '../config/index.ts';
import type { AnnotationSettings, Cluster, ConnectionPool, OutlierDetection, RetryBudget } from '../model/index.ts';
import type { ExplainedStep } from './explained-step.ts';

/** A setting that is in force. */
interface Setting {
  readonly name: string;
  /** Where it stands if that is not where all of them mostly do, or whose it is. */
  readonly where: string;
  readonly does: string;
}

/** In the order in which they are told. */
const BLOCKS = ['outlierDetection', 'connectionPool', 'retryBudget'] as const;

/** What takes endpoints out of use, limits them or hedges calls; `undefined` when nothing does. */
export function explainWatch(cluster: Cluster): ExplainedStep | undefined {
  const settings = [...blocksOf(cluster), ...annotationsOf(cluster)];
  if (settings.length === 0) return undefined;
  const [first] = BLOCKS.flatMap((name) => cluster.policyAt?.[name] ?? []);
  return {
    step: 'watch',
    ...first,
    decision: `These are in force: ${settings.map(({ name }) => name).join(', ')}.`,
    because: settings.map(({ name, where, does }) => `${name}${where}: ${does}.`),
  };
}

function blocksOf(cluster: Cluster): readonly Setting[] {
  const { outlierDetection, connectionPool, retryBudget, extensions, policyAt } = cluster;
  const does: Readonly<Record<(typeof BLOCKS)[number], string | undefined>> = {
    outlierDetection: outlierDetection && ejections(outlierDetection, extensions?.rateEjections !== undefined),
    connectionPool: connectionPool && limits(connectionPool),
    retryBudget: retryBudget && budget(retryBudget),
  };
  return BLOCKS.flatMap((name) => {
    const place = policyAt?.[name];
    const where = place === undefined || place.field === `spec.trafficPolicy.${name}` ? '' : ` (${place.field})`;
    const what = does[name];
    return what === undefined ? [] : [{ name, where, does: what }];
  });
}

function ejections(outliers: OutlierDetection, goesByRates: boolean): string {
  const { consecutive5xxErrors, consecutiveGatewayErrors, baseEjectionTimeMs, maxEjectionPercent } = outliers;
  const counts = [
    consecutive5xxErrors > 0 ? `${consecutive5xxErrors} errors in a row` : '',
    consecutiveGatewayErrors > 0 ? `${consecutiveGatewayErrors} gateway errors in a row` : '',
  ].filter((part) => part !== '');
  const howLong = `for ${baseEjectionTimeMs / 1000} s and more, at most ${maxEjectionPercent} % of them`;
  if (counts.length > 0) return `${counts.join(' or ')} eject an endpoint ${howLong}`;
  return goesByRates
    ? `endpoints are ejected by rates only, ${howLong}`
    : 'no endpoint is ejected, as no number of errors in a row is set';
}

function limits(pool: ConnectionPool): string | undefined {
  const atATime = [
    count(pool.maxRequests, 'call'),
    count(pool.maxConnections, 'connection'),
    count(pool.maxPendingRequests, 'waiting call'),
    count(pool.maxRetries, 'retry', 'retries'),
  ].filter((part) => part !== '');
  const each = pool.maxRequestsPerConnection ?? 0;
  const parts = [
    ...(atATime.length === 0 ? [] : [`at most ${atATime.join(', ')} at a time`]),
    ...(each === 0 ? [] : [`a connection is replaced after ${count(each, 'call')}`]),
  ];
  return parts.length === 0 ? undefined : parts.join('; ');
}

function budget({ percent, intervalMs }: RetryBudget): string {
  const calls = intervalMs === undefined ? 'calls under way' : `attempts begun within ${intervalMs / 1000} s`;
  return `${percent} % of the ${calls} may be retries under way`;
}

function count(number: number | undefined, one: string, several = `${one}s`): string {
  return number === undefined ? '' : `${number} ${number === 1 ? one : several}`;
}

function annotationsOf({ extensions, annotations }: Cluster): readonly Setting[] {
  const settings: Setting[] = [];
  const add = (setting: keyof AnnotationSettings, name: AnnotationName, does: string): void => {
    const owner = annotations?.find((one) => one.setting === setting)?.object;
    const where = owner === undefined ? '' : ` of ${owner.kind} ${owner.namespace}/${owner.name}`;
    settings.push({ name: `${ANNOTATION_PREFIX}${name}`, where, does });
  };
  const { healthCheck, hedging, rateEjections } = extensions ?? {};
  if (healthCheck !== undefined) {
    const what = healthCheck.service === '' ? 'the server' : healthCheck.service;
    add('healthCheck', 'health-check', `${what} is asked for its health every ${healthCheck.intervalMs} ms`);
  }
  if (hedging !== undefined) {
    const { delayMs, maxAttempts } = hedging;
    const does = `a call without an answer after ${delayMs} ms is sent again, ${maxAttempts} attempts in all at most`;
    add('hedging', 'hedging', does);
  }
  if (rateEjections?.successRate !== undefined) {
    add('successRate', 'success-rate-ejection', 'an endpoint far below the mean success rate is ejected');
  }
  if (rateEjections?.failurePercentage !== undefined) {
    const { threshold } = rateEjections.failurePercentage;
    const does = `an endpoint of whose calls more than ${threshold} % fail is ejected`;
    add('failurePercentage', 'failure-percentage-ejection', does);
  }
  return settings;
}
