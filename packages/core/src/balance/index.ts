export * from './picker.ts';
