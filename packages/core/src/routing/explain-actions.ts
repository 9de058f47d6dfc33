import type { Snapshot, VirtualHost } from '../model/index.ts';
import { explainAnswer, renderHttpStatus, renderStatus } from './explain-answer.ts';
import { headerChanges } from './explain-headers.ts';
import { explainMirror } from './explain-mirror.ts';
import { explainRetries } from './explain-retries.ts';
import { type ExplainedStep, ofRoute } from './explained-step.ts';
import type { LiveState } from './live-state.ts';
import { rewritePath } from './rewrite-path.ts';
import type { RouteHit } from './route-index.ts';
import type { RouteRequest } from './route-request.ts';

/** What the route does besides choosing destinations, in the order it is done. */
export function explainActions(
  snapshot: Snapshot,
  host: VirtualHost,
  { route, match }: RouteHit,
  request: RouteRequest,
  live: LiveState,
): readonly ExplainedStep[] {
  const steps: ExplainedStep[] = [];
  const add = (part: string, decision: string, because: readonly string[] = []): void => {
    const { field, ...by } = ofRoute(route, part);
    const at = field === undefined ? {} : { field: `${field}.${part}` };
    steps.push({ step: 'action', ...by, ...at, decision, because });
  };
  const { fault, answer, rewrite, headers, timeoutMs, retry, mirrors } = route;
  if (fault?.delay !== undefined) {
    add('fault.delay', `${fault.delay.percent} % of the calls wait ${fault.delay.fixedDelayMs} ms first.`);
  }
  if (fault?.abort !== undefined) {
    const { status, percent } = fault.abort;
    const told = status.kind === 'grpc' ? renderStatus(status.code) : renderHttpStatus(status.status);
    add(
      'fault.abort',
      `${percent} % of the calls end ${fault.delay === undefined ? '' : 'then '}with ${told}, and reach no endpoint.`,
    );
  }
  if (answer !== undefined) {
    const { part, decision, because } = explainAnswer(answer, match, request, host);
    add(part, decision, because);
  }
  if (rewrite?.path !== undefined) add('rewrite', `The path becomes ${rewritePath(request.path, rewrite, match)}.`);
  if (rewrite?.authority !== undefined) add('rewrite.authority', `The authority becomes ${rewrite.authority}.`);
  if (headers !== undefined) {
    const { request: changes, response } = headers;
    const [before, after] = [headerChanges(changes), headerChanges(response)];
    if (before.length > 0) add('headers.request', 'Metadata of the request is changed.', before);
    if (after.length > 0) add('headers.response', 'Metadata of the response is changed.', after);
  }
  if (timeoutMs !== undefined) add('timeout', `The call ends after ${timeoutMs} ms at the latest.`);
  if (retry !== undefined) {
    const { decision, because } = explainRetries(route);
    add('retries', decision, because);
  } else if (answer === undefined) steps.push({ step: 'action', ...explainRetries(route) });
  const { field, ...by } = ofRoute(route, 'mirrors');
  for (const mirror of mirrors ?? []) {
    const at = mirror.path ?? (field === undefined ? undefined : `${field}.mirror`);
    const { decision, because } = explainMirror(snapshot, mirror, live);
    steps.push({ step: 'action', ...by, ...(at !== undefined && { field: at }), decision, because });
  }
  return steps;
}
