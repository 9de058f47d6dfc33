/** The one of `names` that `text` was probably meant to be: at most every third letter away from it. */
export function closestName(text: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    const edits = editDistance(text, name, fewest);
    if (edits < fewest) {
      best = name;
      fewest = edits;
    }
  }
  return best;
}

/** Whether a text differs from another by so many edits at most. */
export function isNear(text: string, other: string, most: number): boolean {
  return editDistance(text, other, most + 1) <= most;
}

/** Insertions, deletions, substitutions and swaps of neighbours between two texts; `most` when it is as many or more. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let older: readonly number[] = [];
  let row: readonly number[] = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? most) + Number(a[i - 1] !== b[j - 1]);
      let edits = Math.min(substituted, (row[j] ?? most) + 1, (next[j - 1] ?? most) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) edits = Math.min(edits, (older[j - 2] ?? most) + 1);
      next.push(edits);
    }
    older = row;
    row = next;
  }
  return Math.min(most, row[b.length] ?? most);
}
