import type { Random } from '@steelyard/core/balance';
import type { Outcome, Packet, TraceContext } from './packet.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { walkRules } from './walk-rules.ts';

/**
 * What becomes of one connection: walks the rules once and tosses their coins, as the kernel does for the first packet
 * of each connection. `random` is asked once per rule that applies by chance.
 *
 * @throws RuleSetError when a jump leads to no chain, or in a circle
 */
export function walkConnection(ruleSet: RuleSet, packet: Packet, random: Random, context: TraceContext = {}): Outcome {
  let result: Outcome = { kind: 'pass', masqueraded: false };
  walkRules(
    ruleSet,
    packet,
    (chance) => (random() < chance ? 'apply' : 'skip'),
    (outcome) => {
      result = outcome;
    },
    context,
  );
  return result;
}

/** {@link walkConnection} over a fixed rule set: the choice that a relay makes per connection. */
export function createConnectionWalk(ruleSet: RuleSet, random: Random): (packet: Packet) => Outcome {
  return (packet) => walkConnection(ruleSet, packet, random);
}
