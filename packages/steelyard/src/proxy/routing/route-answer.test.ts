import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route, RouteAnswer } from '@steelyard/core/model';
import { answerOf } from './route-answer.ts';

const SAY = '/echo.Echo/Say';

function routeWith(answer: RouteAnswer): Route {
  return { name: 'r', destinations: [], totalWeight: 0, answer };
}

test('a redirect names where to, by what the rule leaves open of the request', () => {
  const route = routeWith({ kind: 'redirect', status: 301, port: 9000 });
  const answer = answerOf(route, undefined, SAY, 'a:8000');
  assert.equal(answer?.status, 2);
  assert.match(answer?.message ?? '', /^route r redirects to http:\/\/a:9000\/echo\.Echo\/Say with HTTP status 301, /);
  const there = routeWith({ kind: 'redirect', status: 301, authority: 'b', port: 'from-request' });
  assert.match(answerOf(there, undefined, SAY, 'a:8000')?.message ?? '', / http:\/\/b:8000\/echo\.Echo\/Say /);
  const arrival = { scheme: 'https', port: 8443 };
  assert.match(answerOf(there, undefined, SAY, 'a', arrival)?.message ?? '', / https:\/\/b:8443\/echo\.Echo\/Say /);
});

test('an HTTP status is what gRPC makes of it', () => {
  for (const [status, expected] of [
    [200, 2],
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [429, 14],
    [503, 14],
    [500, 2],
  ] as const) {
    assert.equal(answerOf(routeWith({ kind: 'direct', status, body: '' }), undefined, SAY, 'a')?.status, expected);
  }
});
