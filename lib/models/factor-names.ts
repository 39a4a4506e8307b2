/** @file What the parameters are called that stand for a factored matrix: its name, a dot, and one of these. */
export const FACTORS = { u: 'u_vectors', v: 'v_vectors', sigma: 'sigma' } as const;

/** The matrix whose `factor` a parameter of this name is; undefined where it is none. */
export function factoredName(parameter: string, factor: keyof typeof FACTORS): string | undefined {
  const ending = `.${FACTORS[factor]}`;
  return parameter.endsWith(ending) ? parameter.slice(0, -ending.length) : undefined;
}
