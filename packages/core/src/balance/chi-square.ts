export interface ChiSquareResult {
  /** Pearson's statistic; `Infinity` when something was observed where nothing may be. */
  readonly chiSquare: number;
  readonly degreesOfFreedom: number;
  /** Chance of a spread at least this uneven if the expectation holds; 0 to 1. */
  readonly pValue: number;
}

/**
 * Pearson's chi-square test: do the counts fit the expected shares?
 *
 * A category of share 0 adds no degree of freedom; any count there makes `pValue` 0. With one category, or nothing
 * observed, there is nothing to doubt: `pValue` 1. The approximation wants about five expected counts per category.
 *
 * @param observed counts, zero or more
 * @param expectedShares one a count, zero or more; they are taken relative to their sum
 * @throws RangeError when the lengths differ, a value is negative or not finite, or the shares sum to 0
 */
export function chiSquareTest(observed: readonly number[], expectedShares: readonly number[]): ChiSquareResult {
  if (observed.length !== expectedShares.length) {
    throw new RangeError(`${observed.length} observed counts cannot fit ${expectedShares.length} expected shares`);
  }
  const total = sumOf('observed count', observed);
  const totalShare = sumOf('expected share', expectedShares);
  if (totalShare === 0) throw new RangeError('the expected shares sum to 0; at least one must be positive');

  let chiSquare = 0;
  let possible = 0;
  for (const [index, share] of expectedShares.entries()) {
    const count = observed[index] ?? 0;
    const expected = (total * share) / totalShare;
    if (share > 0) possible++;
    if (expected > 0) chiSquare += (count - expected) ** 2 / expected;
    else if (count > 0) chiSquare = Infinity;
  }
  const degreesOfFreedom = possible - 1;
  return { chiSquare, degreesOfFreedom, pValue: upperTail(chiSquare, degreesOfFreedom) };
}

function sumOf(what: string, values: readonly number[]): number {
  let sum = 0;
  for (const [index, value] of values.entries()) {
    if (!(value >= 0 && value < Infinity)) {
      throw new RangeError(`${what} ${index} is ${value}; it must be a finite number of at least 0`);
    }
    sum += value;
  }
  return sum;
}

/** P(X ≥ chiSquare) of the chi-square distribution: Q(k/2, x/2) (DLMF §8.11, NIST Handbook §1.3.6.6.6). */
function upperTail(chiSquare: number, degreesOfFreedom: number): number {
  if (chiSquare === Infinity) return 0;
  if (degreesOfFreedom === 0 || chiSquare === 0) return 1;
  return upperGammaQ(degreesOfFreedom / 2, chiSquare / 2);
}

const PRECISION = 1e-15;
/** Both expansions converge in O(√a) terms on their side of x = a + 1; this covers a far beyond any cluster's size. */
const MAX_TERMS = 100_000;

/** Regularized upper incomplete gamma function Q(a, x), a > 0, x > 0. */
function upperGammaQ(a: number, x: number): number {
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - scale * lowerSeries(a, x) : scale * upperFraction(a, x);
}

/** Series of P(a, x) without its factor x^a e^-x / Γ(a): Σ x^n / (a (a+1) … (a+n)) (DLMF 8.7.1). */
function lowerSeries(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < MAX_TERMS && term > sum * PRECISION; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** Continued fraction of Q(a, x) without the same factor (DLMF 8.9.2), evaluated forwards by Lentz's method. */
function upperFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; n < MAX_TERMS; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / nonZero(numerator * d + b, tiny);
    c = nonZero(b + numerator / c, tiny);
    const factor = c * d;
    fraction *= factor;
    if (Math.abs(factor - 1) < PRECISION) break;
  }
  return fraction;
}

function nonZero(value: number, tiny: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}

/** ln Γ(x) for x > 0: Stirling's series (DLMF 5.11.1), after raising x by Γ(x + 1) = x Γ(x) to where it is exact. */
function logGamma(x: number): number {
  let shift = 0;
  let raised = x;
  while (raised < 12) {
    shift += Math.log(raised);
    raised += 1;
  }
  const inverse = 1 / raised;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))));
  return (raised - 0.5) * Math.log(raised) - raised + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
