/** `33.3 %`, of a share from 0 to 1. A share that is not quite none or all never looks like it. */
export function renderPercent(share: number): string {
  const text = (share * 100).toFixed(1);
  if (text === '0.0' && share > 0) return '<0.1 %';
  if (text === '100.0' && share < 1) return '>99.9 %';
  return `${text} %`;
}

/** `p = 0.421`, `p < 1e-15`. */
export function renderPValue(p: number): string {
  if (p < 1e-15) return 'p < 1e-15';
  return p < 0.001 ? `p = ${p.toExponential(1)}` : `p = ${p.toPrecision(3)}`;
}

/** Three digits: `0.842 ms`, `12.3 ms`, `1.23 s`. */
export function renderMs(milliseconds: number): string {
  return milliseconds < 1000 ? `${threeDigits(milliseconds)} ms` : `${threeDigits(milliseconds / 1000)} s`;
}

function threeDigits(value: number): string {
  if (value === 0) return '0';
  if (value < 10) return value.toFixed(2);
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}
