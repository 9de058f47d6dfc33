/** The experiment: what the ways do to real gRPC calls, measured. */
export type { Lab, LabOptions } from './run-lab.ts';
export { runLab } from './run-lab.ts';
export type { LabTarget } from './lab-target.ts';
export { findLabTarget } from './lab-target.ts';
export { LabError } from './lab-error.ts';
export type { LabReport } from './report/lab-report.ts';
export { isAsExpected } from './report/lab-report.ts';
export type { ReportPaint } from './report/render-report.ts';
export { renderLabReport } from './report/render-report.ts';
export { createProgress } from './report/progress.ts';
export type { Way } from './ways/way.ts';
export { isWay, WAYS } from './ways/way.ts';
