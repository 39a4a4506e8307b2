/** @file What a committed list of matrix products holds. */

/**
 * @typedef {object} Product [m, k] × [k, n]
 * @property {string} name
 * @property {number} m
 * @property {number} k
 * @property {number} n
 * @property {boolean} transA whether the first operand is stored transposed
 * @property {boolean} transB
 */

/** Floating-point operations of products. @param {readonly Pick<Product, 'm' | 'k' | 'n'>[]} products */
export function flopsOf(products) {
  return products.reduce((sum, { m, k, n }) => sum + 2 * m * k * n, 0);
}
