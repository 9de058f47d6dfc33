import { renderPrintable } from '@steelyard/core/config';
import type { ExplainedCall, ExplainedShare, ExplainedStep } from '@steelyard/core/routing';
import { indentText } from '../../lab/index.ts';

/** Of running text, and of the rows of shares but for long names. */
const WIDTH = 80;

/**
 * Ordered steps, each with the object and the field that decided, then each endpoint's share. What others have called their
 * objects, or written into them, does no harm to a terminal.
 */
export function renderExplainedCall(explained: ExplainedCall): string {
  const { authority, path, from, outcome, live, steps, shares, aborted, failing } = explained;
  const lines = [renderPrintable(`${authority}${path}, called from namespace ${from}`), ''];
  for (const [index, step] of steps.entries()) lines.push(...renderStep(step, index + 1));
  lines.push('', OUTCOMES[outcome], ...renderShares(shares));
  if (outcome === 'forwarded' && aborted > 0) lines.push('', `${percent(aborted)} end by the fault.`);
  if (outcome === 'forwarded' && failing > 0) lines.push('', `${percent(failing)} fail: no endpoint can take them.`);
  if (shares.some(({ exact }) => !exact)) {
    lines.push('', live ? '~ as busy and as fast as the endpoints are now' : '~ while the endpoints are equally busy');
  }
  return `${lines.join('\n')}\n`;
}

/** With one digit behind the point, or as many as tell it from none and from all. */
function percent(share: number): string {
  for (let digits = 1; ; digits++) {
    const text = (share * 100).toFixed(digits);
    const isEnd = Number(text) === 0 || Number(text) === 100;
    if (!isEnd || share <= 0 || share >= 1 || digits === 6) return `${text} %`;
  }
}

const OUTCOMES: Readonly<Record<ExplainedCall['outcome'], string>> = {
  forwarded: 'The call goes to one of',
  answered: 'The route answers by itself.',
  failed: 'The call fails: no endpoint can take it.',
};

function renderStep({ step, object, field, decision, because }: ExplainedStep, number: number): readonly string[] {
  const lines = [...wrapped(`${step}: ${decision}`, `${String(number).padStart(2)}. `, '    ')];
  if (object !== undefined) {
    const about = renderPrintable(
      `[${object.kind} ${object.namespace}/${object.name} ${field ?? ''}]`.replace(' ]', ']'),
    );
    const last = lines.pop() ?? '';
    if (last.length + 1 + about.length <= WIDTH) lines.push(`${last} ${about}`);
    else lines.push(last, ...indentText(about, WIDTH, '    ', '     '));
  }
  return [...lines, ...because.flatMap((line) => wrapped(line, '      ', '        '))];
}

function wrapped(text: string, first: string, next: string): readonly string[] {
  return indentText(renderPrintable(text), WIDTH, first, next);
}

/** A row each, below the name of their cluster where there are several. */
function renderShares(shares: readonly ExplainedShare[]): readonly string[] {
  const width = Math.max(0, ...shares.map(({ endpoint }) => endpoint.length));
  const isOne = shares.every(({ cluster }) => cluster === shares[0]?.cluster);
  return shares.flatMap(({ endpoint, pod = '', share, exact, cluster }, index) => {
    const heading = isOne || cluster === shares[index - 1]?.cluster ? [] : [`${renderPrintable(cluster)}:`];
    const amount = `${exact ? ' ' : '~'}${percent(share)}`.padStart(9);
    const row = `  ${endpoint.padEnd(width)}${amount}`;
    const name = renderPrintable(pod);
    if (row.length + 2 + name.length > WIDTH) return [...heading, row, `      ${name}`];
    return [...heading, `${row}  ${name}`.trimEnd()];
  });
}
