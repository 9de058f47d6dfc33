const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/**
 * A share from 0 to 1 as a bar of `width` cells, an eighth of a cell fine, with `│` where the expectation ends; inside
 * the filled part the mark is left out (the bar passes it). `width` cells whatever the shares.
 */
export function renderBar(share: number, expectedShare: number, width: number): string {
  const eighths = Math.round(clamp(share) * width * 8);
  const filled = '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '');
  // Every sign here is one code unit.
  const cells = filled.padEnd(width, '·').split('');
  const mark = Math.round(clamp(expectedShare) * width) - 1;
  if (cells[mark] === '·') cells[mark] = '│';
  return cells.join('');
}

function clamp(share: number): number {
  return Math.min(1, Math.max(0, share));
}
