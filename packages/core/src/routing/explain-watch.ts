import { ANNOTATION_PREFIX, type AnnotationName } from '../config/index.ts';
import type { AnnotationSettings, Cluster } from '../model/index.ts';
import type { ExplainedStep } from './explained-step.ts';

/** What takes endpoints out of use, limits them or hedges calls; `undefined` when nothing does. */
export function explainWatch(cluster: Cluster): ExplainedStep | undefined {
  const { outlierDetection: outliers, connectionPool: pool, retryBudget, tls, extensions, destinationRule } = cluster;
  const because: string[] = [];
  if (outliers !== undefined) {
    const parts = [
      outliers.consecutive5xxErrors > 0 ? `${outliers.consecutive5xxErrors} errors in a row` : '',
      outliers.consecutiveGatewayErrors > 0 ? `${outliers.consecutiveGatewayErrors} gateway errors in a row` : '',
    ].filter((part) => part !== '');
    const why = parts.length === 0 ? 'nothing but rates' : parts.join(' or ');
    because.push(
      `outlierDetection: ${why} eject an endpoint for ${outliers.baseEjectionTimeMs / 1000} s and more, at most ${outliers.maxEjectionPercent} % of them.`,
    );
  }
  const limits = [
    pool?.maxRequests === undefined ? '' : `${pool.maxRequests} calls`,
    pool?.maxConnections === undefined ? '' : `${pool.maxConnections} connections`,
    pool?.maxPendingRequests === undefined ? '' : `${pool.maxPendingRequests} waiting calls`,
  ].filter((part) => part !== '');
  if (limits.length > 0) because.push(`connectionPool: at most ${limits.join(', ')} at a time.`);
  if (retryBudget !== undefined) {
    because.push(`retryBudget: ${retryBudget.percent} % of the calls under way may be retries.`);
  }
  if (tls !== undefined && tls !== 'DISABLE') because.push(`tls: calls go to endpoints over TLS, mode ${tls.mode}.`);
  const { healthCheck, hedging, rateEjections } = extensions ?? {};
  if (healthCheck !== undefined) {
    const what = healthCheck.service === '' ? 'the server' : healthCheck.service;
    because.push(
      `${said(cluster, 'healthCheck', 'health-check')}: ${what} is asked for its health every ${healthCheck.intervalMs} ms.`,
    );
  }
  if (hedging !== undefined) {
    because.push(
      `${said(cluster, 'hedging', 'hedging')}: a call without an answer after ${hedging.delayMs} ms is sent again, ${hedging.maxAttempts} times at most.`,
    );
  }
  if (rateEjections?.successRate !== undefined) {
    because.push(
      `${said(cluster, 'successRate', 'success-rate-ejection')}: an endpoint far below the mean success rate is ejected.`,
    );
  }
  if (rateEjections?.failurePercentage !== undefined) {
    because.push(
      `${said(cluster, 'failurePercentage', 'failure-percentage-ejection')}: an endpoint of whose calls more than ${rateEjections.failurePercentage.threshold} % fail is ejected.`,
    );
  }
  if (because.length === 0) return undefined;
  return {
    step: 'watch',
    ...(destinationRule !== undefined && { object: destinationRule, field: 'spec.trafficPolicy' }),
    decision: 'Endpoints and calls are watched over.',
    because,
  };
}

/** The annotation and whose it is. */
function said({ annotations }: Cluster, setting: keyof AnnotationSettings, name: AnnotationName): string {
  const owner = annotations?.find((one) => one.setting === setting)?.object;
  const whose = owner === undefined ? '' : ` of ${owner.kind} ${owner.namespace}/${owner.name}`;
  return `${ANNOTATION_PREFIX}${name}${whose}`;
}
