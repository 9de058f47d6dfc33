import { readFileSync } from 'node:fs';
import type { Random } from '@steelyard/core/balance';
import type { Clock } from '../clock.ts';
import { publishResolution } from '../events.ts';
import type { Target } from '../targets/parse-target.ts';
import type { WatchPlan } from '../targets/watch-resolver.ts';
import type { DnsAnswer } from './dns-answer.ts';
import { createDnsQuery } from './dns-query.ts';
import { createGate } from './gate.ts';
import { lookUp } from './look-up.ts';
import { NameWatch } from './name-watch.ts';
import type { HeadlessName } from './parse-headless-target.ts';
import { parseHeadlessTarget } from './parse-headless-target.ts';
import { podSearchRules, searchNames } from './search-names.ts';

const RESOLV_CONF = '/etc/resolv.conf';
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** Look-ups of the whole process at the same time, however many names it dials. */
const MAX_LOOK_UPS = 16;

const throughGate = createGate(MAX_LOOK_UPS);

/** How a `headless:` target is looked up. */
export function planHeadless(target: Target, clock: Clock, random: Random): WatchPlan {
  const name = parseHeadlessTarget(target);
  const what = `headless://${name.server ?? ''}/${target.host}${target.port === '' ? '' : `:${target.port}`}`;
  return {
    key: JSON.stringify(name),
    create: () => {
      let found = 0;
      return new NameWatch({
        what,
        minTtlMs: name.minTtlMs,
        maxTtlMs: name.maxTtlMs,
        lookUp: (preferred) => throughGate(() => lookUpName(name, preferred)),
        clock,
        random,
        onAnswer: (answer) => {
          if (answer.kind === 'found') found = answer.endpoints.length;
          const note = answer.kind === 'found' ? `found as ${answer.name}` : answer.message;
          publishResolution({ target: what, outcome: answer.kind, endpoints: found, note });
        },
      });
    },
  };
}

async function lookUpName(name: HeadlessName, preferred: string | undefined): Promise<DnsAnswer> {
  try {
    // Read each time: both may change while the process runs, and reading them is nothing beside asking.
    const rules = name.search
      ? { domains: name.search, ndots: Infinity }
      : podSearchRules(readIfThere(RESOLV_CONF) ?? '', readIfThere(NAMESPACE_FILE)?.trim());
    const candidates = searchNames(name.host, rules);
    const query = createDnsQuery(name.server);
    // The name that had the answer last time has it this time, most likely: one question instead of one a search domain.
    if (preferred !== undefined && candidates[0] !== preferred && candidates.includes(preferred)) {
      const answer = await lookUp(name, [preferred], query);
      if (answer.kind !== 'empty') return answer;
    }
    return await lookUp(name, candidates, query);
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
