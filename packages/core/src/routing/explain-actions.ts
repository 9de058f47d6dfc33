import { HONOURED } from '../config/index.ts';
import { GRPC_STATUS_NAMES, type HeaderOperations, type Route, type RouteMatch } from '../model/index.ts';
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
  const by = object === undefined ? {} : { object };
  const steps: ExplainedStep[] = [];
  const add = (part: string, decision: string, honoured = true, more: readonly string[] = []): void => {
    const because = honoured ? more : [NOT_YET];
    const at = field === undefined ? {} : { field: `${field}.${part}` };
    steps.push({ step: 'action', ...by, ...at, decision, because });
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
    const told =
      status.kind === 'grpc' ? (GRPC_STATUS_NAMES[status.code] ?? 'UNKNOWN') : `what stands for HTTP ${status.status}`;
    add(
      'fault.abort',
      `${percent} % of the calls end ${fault.delay === undefined ? '' : 'then '}with ${told}, and reach no endpoint.`,
    );
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
    const [before, after] = [inWords(changes), inWords(response)];
    if (before.length > 0) add('headers.request', 'Metadata of the request is changed.', true, before);
    if (after.length > 0) {
      add('headers.response', 'Metadata of the response is changed.', HONOURED.responseHeaders, after);
    }
  }
  if (timeoutMs !== undefined) add('timeout', `The call ends after ${timeoutMs} ms at the latest.`, HONOURED.timeout);
  if (retry !== undefined) {
    const on = [...retry.retryOn, ...retry.statusCodes].join(', ');
    const often = retry.attempts === 1 ? 'once' : `${retry.attempts} times`;
    const decision = retry.attempts === 0 ? 'It is not tried again.' : `It is tried again at most ${often}, on ${on}.`;
    const { perTryTimeoutMs } = retry;
    const each = perTryTimeoutMs === undefined ? [] : [`Each attempt ends after ${perTryTimeoutMs} ms at the latest.`];
    add('retries', decision, HONOURED.retries, retry.attempts === 0 ? [] : each);
  }
  for (const mirror of mirrors ?? []) {
    const decision = `${mirror.percent} % of the calls are copied to ${mirror.cluster}.`;
    const at = mirror.path ?? (field === undefined ? undefined : `${field}.mirror`);
    const because = HONOURED.mirror ? [] : [NOT_YET];
    steps.push({ step: 'action', ...by, ...(at !== undefined && { field: at }), decision, because });
  }
  return steps;
}

const NOT_YET = 'The proxy does not honour this yet.';

/** A sentence for each name, in the order in which it is done. */
function inWords({ set, add, remove }: HeaderOperations): readonly string[] {
  return [
    ...remove.map((name) => `${name} is removed.`),
    ...set.map(([name, value]) => `${name} is set to ${JSON.stringify(value)}.`),
    ...add.map(([name, value]) => `${name} is added: ${JSON.stringify(value)}.`),
  ];
}
