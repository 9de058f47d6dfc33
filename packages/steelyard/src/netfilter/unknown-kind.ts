/** Where a switch over all kinds ends: reached only by a rule set that was made by force. */
export function unknownKind(value: never): never {
  throw new TypeError(`a rule set has no such part: ${JSON.stringify(value)}`);
}
