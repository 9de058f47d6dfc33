import { HONOURED } from '../config/index.ts';
import type { Route, RouteMatch } from '../model/index.ts';
import { type ExplainedStep, ofRoute } from './explained-step.ts';
import { rewritePath } from './rewrite-path.ts';
import type { RouteRequest } from './route-request.ts';

/** What the route does besides choosing destinations, in the order it is done. */
export function explainActions(
  route: Route,
  match: RouteMatch | undefined,
  request: RouteRequest,
): readonly ExplainedStep[] {
  const { object, field } = ofRoute(route);
  const steps: ExplainedStep[] = [];
  const add = (part: string, decision: string, honoured = true): void => {
    const because = honoured ? [] : ['The proxy does not honour this yet.'];
    const at = field === undefined ? {} : { field: `${field}.${part}` };
    steps.push({ step: 'action', ...(object !== undefined && { object }), ...at, decision, because });
  };
  const { fault, answer, rewrite, headers, timeoutMs, retry, mirrors } = route;
  if (fault?.delay !== undefined) {
    add(
      'fault.delay',
      `${fault.delay.percent} % of the calls wait ${fault.delay.fixedDelayMs} ms first.`,
      HONOURED.faultDelay,
    );
  }
  if (fault?.abort !== undefined) {
    const { status, percent } = fault.abort;
    const told = status.kind === 'grpc' ? `gRPC status ${status.code}` : `HTTP status ${status.status}`;
    add('fault.abort', `${percent} % of the calls end at once with ${told}.`);
  }
  if (answer?.kind === 'direct')
    add('directResponse', `The route answers by itself, with HTTP status ${answer.status}.`);
  if (answer?.kind === 'redirect') {
    add('redirect', `The route answers with a redirect (${answer.status}), which gRPC callers do not follow.`);
  }
  if (rewrite?.path !== undefined) add('rewrite', `The path becomes ${rewritePath(request.path, rewrite, match)}.`);
  if (rewrite?.authority !== undefined) add('rewrite.authority', `The authority becomes ${rewrite.authority}.`);
  if (headers !== undefined) {
    const { request: changes, response } = headers;
    if (changes.set.length + changes.add.length + changes.remove.length > 0) {
      add('headers.request', 'Metadata of the request is changed.');
    }
    if (response.set.length + response.add.length + response.remove.length > 0) {
      add('headers.response', 'Metadata of the response is changed.', HONOURED.responseHeaders);
    }
  }
  if (timeoutMs !== undefined) add('timeout', `The call ends after ${timeoutMs} ms at the latest.`, HONOURED.timeout);
  if (retry !== undefined) {
    const on = [...retry.retryOn, ...retry.statusCodes].join(', ');
    const often = retry.attempts === 1 ? 'once' : `${retry.attempts} times`;
    const decision = retry.attempts === 0 ? 'It is not tried again.' : `It is tried again at most ${often}, on ${on}.`;
    add('retries', decision, HONOURED.retries);
  }
  for (const mirror of mirrors ?? []) {
    add('mirror', `${mirror.percent} % of the calls are copied to ${mirror.cluster}.`, HONOURED.mirror);
  }
  return steps;
}
