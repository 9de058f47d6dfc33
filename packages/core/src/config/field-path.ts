/** Where a field stands inside a document: keys and list indexes from the outside in. */
export type FieldPath = readonly (string | number)[];

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** kubectl's spelling: `spec.http[0].route[1].weight`, `metadata.labels[kubernetes.io/service-name]`. */
export function renderFieldPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number' || !PLAIN_KEY.test(step)) text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}
