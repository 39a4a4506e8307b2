/** The part of `jstat` that is used here; the package brings no types. */
declare module 'jstat' {
  export const jStat: {
    readonly normal: { cdf(x: number, mean: number, std: number): number };
    spearmancoeff(xs: number[], ys: number[]): number;
    readonly studentt: { inv(p: number, degreesOfFreedom: number): number };
  };
}
