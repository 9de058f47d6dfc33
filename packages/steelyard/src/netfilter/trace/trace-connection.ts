import type { Outcome, Packet, ProbableOutcome, TraceContext } from './packet.ts';
import type { RuleSet } from '../compile/rule-set.ts';
import { unknownKind } from '../unknown-kind.ts';
import { walkRules } from './walk-rules.ts';

/**
 * Everything that may become of a connection, each with its exact probability, by interpreting the rules alone: no
 * Service and no endpoint is looked at, so this judges the rules whoever wrote them.
 *
 * A rule of written probability p applies with round(p · 2^31) / 2^31, as the kernel keeps it (`storedProbability`), so
 * over three endpoints the shares are not 1/3 but 0.33333333349, 0.33333333326, 0.33333333326. Outcomes are in the
 * order in which the rules reach them, equal ones merged; the probabilities sum to 1 but for rounding of the last bits.
 *
 * @throws RuleSetError when a jump leads to no chain, or in a circle
 */
export function traceConnection(
  ruleSet: RuleSet,
  packet: Packet,
  context: TraceContext = {},
): readonly ProbableOutcome[] {
  const found = new Map<string, ProbableOutcome>();
  walkRules(
    ruleSet,
    packet,
    () => 'both',
    (outcome, probability) => {
      const key = keyOf(outcome);
      found.set(key, { ...outcome, probability: probability + (found.get(key)?.probability ?? 0) });
    },
    context,
  );
  return [...found.values()];
}

function keyOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'dnat':
      return `dnat ${outcome.address} ${outcome.port} ${outcome.masqueraded} ${outcome.remembers ?? ''}`;
    case 'pass':
      return `pass ${outcome.masqueraded}`;
    case 'reject':
    case 'drop':
      return outcome.kind;
    default:
      return unknownKind(outcome);
  }
}
