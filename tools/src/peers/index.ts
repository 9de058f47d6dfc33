export * from './case-subject.ts';
export * from './start-process.ts';
export * from './subject.ts';
