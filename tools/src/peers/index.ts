export * from './start-process.ts';
export * from './subject.ts';
