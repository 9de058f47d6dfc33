export { analyzeObjects } from './analyze/analyze-objects.ts';
export type { ClientLocality } from './client-identity.ts';
export { type Compiler, type CompilerOptions, createCompiler } from './compiler.ts';
export { resolveHost, serviceHost } from './host-names.ts';
