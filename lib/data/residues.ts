/** @file Arithmetic on the integers mod p that needs more than `%`: inverses, and where there are none. */
import { ArgumentError } from '../errors';

/** The greatest common divisor of two positive integers. */
function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/**
 * The y with x · y ≡ 1 mod p, by the extended Euclidean algorithm, whose every number stays below p.
 *
 * @param x from 1 to p − 1, coprime to p
 * @param p at least 2
 */
export function modularInverse(x: number, p: number): number {
  let [remainder, next] = [p, x];
  let [coefficient, nextCoefficient] = [0, 1];
  while (next > 0) {
    const quotient = Math.floor(remainder / next);
    [remainder, next] = [next, remainder - quotient * next];
    [coefficient, nextCoefficient] = [nextCoefficient, coefficient - quotient * nextCoefficient];
  }
  return coefficient < 0 ? coefficient + p : coefficient;
}

/** Whether n is prime, by trial division. */
export function isPrime(n: number): boolean {
  if (!Number.isInteger(n) || n < 2) return false;
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

/** A prime within the reach of the tables, close to n. */
function primeNear(n: number): number {
  for (let distance = 0; ; distance++) {
    if (n - distance >= 2 && isPrime(n - distance)) return n - distance;
    if (n - distance < 2 && isPrime(n + distance)) return n + distance;
  }
}

/**
 * Checks that an operation can divide by every `step`-th number from 1 to p − 1.
 *
 * @throws {ArgumentError} if one of them has no inverse mod p
 */
export function requireInverses(operation: string, p: number, step: 1 | 2): void {
  for (let divisor = 1; divisor < p; divisor += step) {
    if (commonDivisor(p, divisor) === 1) continue;
    throw new ArgumentError(
      `operation "${operation}" is not defined for p = ${p}, where ${divisor} has no inverse: give a prime such as ${primeNear(p)}.`,
    );
  }
}
