export * from './config-object.ts';
export * from './diagnostic-codes.ts';
export { type AnnotationProblem } from './annotations/annotation-reader.ts';
export {
  type AnnotationKind,
  type AnnotationName,
  ANNOTATION_PREFIX,
  ANNOTATIONS,
} from './annotations/annotation-table.ts';
export { closestName } from './annotations/closest-name.ts';
export { type ParsedAnnotations, parseAnnotations } from './annotations/parse-annotations.ts';
export { followAlias } from './follow-alias.ts';
export { renderFieldPath } from './field-path.ts';
export { type IpAddress, parseIpAddress } from './ip-address.ts';
export type { FieldPlace } from './object-report.ts';
export { hasNoCondition } from './parse-http-match.ts';
export {
  type BrokenObject,
  type ObjectOrigin,
  type ParsedObject,
  type ParsedObjects,
  type ParseOptions,
  parseObjects,
} from './parse-objects.ts';
export { createRegex, type Regex } from './regex/regex.ts';
export { renderPrintable } from './printable.ts';
export { renderDiagnostic, renderPosition } from './render-diagnostic.ts';
export * from './source-document.ts';
