import type { ExplainedCall, ExplainedStep } from '@steelyard/core/routing';

/** Ordered steps, each with the object and the field that decided, then each endpoint's share. */
export function renderExplainedCall({ authority, path, from, outcome, live, steps, shares }: ExplainedCall): string {
  const lines = [`${authority}${path}, called from namespace ${from}`, ''];
  for (const [index, step] of steps.entries()) lines.push(...renderStep(step, index + 1));
  lines.push('', OUTCOMES[outcome]);
  const width = Math.max(0, ...shares.map(({ endpoint }) => endpoint.length));
  for (const { endpoint, pod, share, exact, cluster } of shares) {
    const amount = `${exact ? ' ' : '~'}${(share * 100).toFixed(1)} %`.padStart(9);
    lines.push(`  ${endpoint.padEnd(width)}${amount}  ${pod ?? ''} (${cluster})`.replace('   (', '  ('));
  }
  if (shares.some(({ exact }) => !exact)) {
    lines.push('', live ? '~ as busy and as fast as the endpoints are now' : '~ while the endpoints are equally busy');
  }
  return `${lines.join('\n')}\n`;
}

const OUTCOMES: Readonly<Record<ExplainedCall['outcome'], string>> = {
  forwarded: 'The call goes to one of',
  answered: 'The route answers by itself.',
  failed: 'The call fails: it has nowhere to go.',
};

function renderStep({ step, object, field, decision, because }: ExplainedStep, number: number): readonly string[] {
  const about =
    object === undefined
      ? ''
      : ` [${object.kind} ${object.namespace}/${object.name} ${field ?? ''}]`.replace(' ]', ']');
  return [`${String(number).padStart(2)}. ${step}: ${decision}${about}`, ...because.map((line) => `      ${line}`)];
}
