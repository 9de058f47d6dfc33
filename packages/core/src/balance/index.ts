/** Which endpoint a call gets. */
export type { Balanced, Picker, Random } from './picker.ts';
export { createPicker } from './create-picker.ts';
export { createSeededRandom } from './seeded-random.ts';
export { chiSquareTest } from './chi-square.ts';
export type { ChiSquareResult } from './chi-square.ts';
