import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PodBehaviour } from '@steelyard/testkit';
import { startRules } from '../proxy-rules.test-bed.ts';
import { statusOf, says, withRetries } from './scripted-pods.test-bed.ts';

const FAR = ['far', 'far'];
const NEAR = ['near', 'near', 'near', 'near'];

/** Where the attempts of one call went, when only pods that are far answer. */
async function placesOf(
  retryRemoteLocalities: boolean,
): Promise<{ readonly places: string[]; readonly status: string }> {
  const places: string[] = [];
  const at = (zone: string): PodBehaviour => {
    const answer = says(zone === 'far' ? 'OK' : 'UNAVAILABLE');
    return (stream, headers) => {
      places.push(zone);
      answer(stream, headers);
    };
  };
  const { caller } = await startRules({
    pods: [...NEAR, ...FAR].map((zone) => ({ behaviour: at(zone), zone })),
    trafficPolicy: {
      loadBalancer: { simple: 'RANDOM', localityLbSetting: {} },
      outlierDetection: { consecutive5xxErrors: 5 },
    },
    client: { clientLocality: { region: 'r', zone: 'near', subzone: '' } },
    ...withRetries({ attempts: 3, retryOn: 'unavailable', retryRemoteLocalities }),
  });
  return { status: statusOf(await caller.call('x')), places };
}

describe('retryRemoteLocalities', () => {
  test('true: after two attempts nearby the next one goes elsewhere', async () => {
    const { places, status } = await placesOf(true);
    assert.deepEqual(places, ['near', 'near', 'far']);
    assert.equal(status, 'OK');
  });

  test('false: all attempts stay where calls go', async () => {
    const { places, status } = await placesOf(false);
    assert.deepEqual(places, ['near', 'near', 'near', 'near']);
    assert.equal(status, 'UNAVAILABLE');
  });
});
