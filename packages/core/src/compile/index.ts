export { analyzeObjects } from './analyze/analyze-objects.ts';
export { locateFindings } from './analyze/locate-findings.ts';
export { analyzeWay, type Way } from './analyze/analyze-way.ts';
export type { ClientLocality } from './client-identity.ts';
export { type CallerOptions, type Compiler, type CompilerOptions, createCompiler } from './compiler.ts';
export { resolveHost, serviceHost } from './host-names.ts';
