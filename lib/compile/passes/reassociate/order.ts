/** @file The cheapest order in which to multiply a chain: dynamic programming over its cuts (Godbole 1973). */
import { at } from '../../kernels/rule';
import type { Chain, ChainNames } from './chains';
import { productCost } from './cost';

/** How a chain is multiplied: a single factor, or the product of two shorter chains. */
export interface Order {
  readonly chain: Chain;
  readonly halves?: readonly [Order, Order];
  /** Cost of this product alone. */
  readonly cost: number;
}

/** The order of least cost for a chain on its own. */
export function bestOrder(chain: Chain): Order {
  const length = chain.length;
  const table = new Map<number, { readonly order: Order; readonly total: number }>();
  const entry = (first: number, last: number) => {
    const found = table.get(first * length + last);
    if (found === undefined) throw new Error(`no order for factors ${first} to ${last}`);
    return found;
  };
  for (let first = 0; first < length; first++) {
    table.set(first * length + first, { order: { chain: [at(chain, first)], cost: 0 }, total: 0 });
  }
  for (let span = 1; span < length; span++) {
    for (let first = 0; first + span < length; first++) {
      const last = first + span;
      let best: { readonly order: Order; readonly total: number } | undefined;
      for (let cut = first; cut < last; cut++) {
        const [left, right] = [entry(first, cut), entry(cut + 1, last)];
        const cost = productCost(left.order.chain, right.order.chain);
        const total = left.total + right.total + cost;
        if (best !== undefined && total >= best.total) continue;
        const order = {
          chain: chain.slice(first, last + 1),
          halves: [left.order, right.order],
          cost,
        } as const;
        best = { order, total };
      }
      if (best !== undefined) table.set(first * length + last, best);
    }
  }
  return entry(0, length - 1).order;
}

/** One product of an order. */
export interface Product {
  /** The same for equal products and for their transposes. */
  readonly key: string;
  readonly cost: number;
}

/** The products of an order, the inner ones first. */
export function productsOf(order: Order, names: ChainNames): Product[] {
  if (order.halves === undefined) return [];
  const inner = order.halves.flatMap((half) => productsOf(half, names));
  return [...inner, { key: names.name(order.chain).key, cost: order.cost }];
}
