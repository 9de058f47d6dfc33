/** Octets ↔ strings of code points 0–255, as header fields use them (RFC 9110 §5.5). */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  return text;
}

/** Short copies are faster in a loop than through a view and `set`. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > 64) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let i = start, j = at; i < end; i++, j++) target[j] = source[i] as number;
}

export function sameBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array): boolean {
  if (aEnd - aStart !== b.length) return false;
  let i = aStart;
  let j = 0;
  for (; i + 4 <= aEnd; i += 4, j += 4) {
    const difference =
      ((a[i] as number) ^ (b[j] as number)) |
      ((a[i + 1] as number) ^ (b[j + 1] as number)) |
      ((a[i + 2] as number) ^ (b[j + 2] as number)) |
      ((a[i + 3] as number) ^ (b[j + 3] as number));
    if (difference !== 0) return false;
  }
  for (; i < aEnd; i++, j++) if (a[i] !== b[j]) return false;
  return true;
}

/** A copy for sure: `slice` of Node's Buffer, which is a Uint8Array too, would be a view. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copyBytes(bytes, start, end, copy, 0);
  return copy;
}
