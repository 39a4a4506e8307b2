/**
 * @file Where several things of a kind first stand in a row. Three questions are asked of a run's evaluations with it, which
 * differ on purpose: a run's *target* is reached with the last of the row, when it can be known (`target.ts`); the *event* of a
 * comparison is the first of the row among evaluations of one spacing, up to a budget (`analysis/events.ts`); an *arrival* in
 * the order of events is the first of the row among all evaluations (`analysis/order-of-events.ts`).
 */

/**
 * The index of the first item from which on so many in a row are of the kind.
 *
 * @param needed how many, at least 1
 * @param isOfKind whether an item counts
 * @param follows whether an item comes right after the one before it; where it does not, the row begins anew. Default always
 * @returns `undefined` where there is no such row
 */
export function firstInARow<T>(
  items: readonly T[],
  needed: number,
  isOfKind: (item: T) => boolean,
  follows: (item: T, before: T) => boolean = () => true,
): number | undefined {
  let length = 0;
  for (const [i, item] of items.entries()) {
    const goesOn = i > 0 && follows(item, items[i - 1] as T);
    length = isOfKind(item) ? (goesOn ? length : 0) + 1 : 0;
    if (length >= needed) return i - needed + 1;
  }
  return undefined;
}
