/** The experiment: what the ways do to real gRPC calls, measured. */
export type { Lab, LabOptions } from './run-lab.ts';
export { runLab } from './run-lab.ts';
export type { LabTarget } from './lab-target.ts';
export { findLabTarget } from './lab-target.ts';
export { LabError } from './lab-error.ts';
export type { LabReport } from './lab-report.ts';
export { isAsExpected } from './lab-report.ts';
export type { ReportPaint } from './render-report.ts';
export { renderLabReport } from './render-report.ts';
export { createProgress } from './progress.ts';
export type { Way } from './way.ts';
export { isWay, WAYS } from './way.ts';
