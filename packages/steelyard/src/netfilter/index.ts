/** The kernel's Service rules: compiled from a Snapshot, rendered, and interpreted packet by packet. */
export { compileRuleSet } from './compile-rule-set.ts';
export type { LocalPods, RuleSetOptions } from './rule-options.ts';
export { renderIptables } from './render-iptables.ts';
export type { RenderOptions } from './render-iptables.ts';
export { traceConnection } from './trace-connection.ts';
export { createConnectionWalk, walkConnection } from './connection-walk.ts';
export { RuleSetError } from './walk-rules.ts';
export type { Outcome, Packet, ProbableOutcome, TraceContext } from './packet.ts';
export type { Chain, ConntrackState, Match, NamedSet, Rule, RuleSet, TableName, Verdict } from './rule-set.ts';
export { addressPortOf, endpointChainName, serviceChainName, servicePortName } from './chain-name.ts';
export { parseIptablesSave } from './parse-iptables-save.ts';
export type { DumpFinding, ParsedDump } from './dump-finding.ts';
