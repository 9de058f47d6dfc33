export * from './diagnostic.ts';
export * from './policy.ts';
export * from './service.ts';
export * from './snapshot.ts';
export * from './usable-endpoints.ts';
export * from './snapshot-source.ts';
