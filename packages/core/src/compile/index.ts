export { type Compiler, type CompilerOptions, createCompiler } from './compiler.ts';
export { resolveHost, serviceHost } from './host-names.ts';
