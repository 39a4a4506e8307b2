/**
 * @file Which intermediate matrices to make, and which to multiply out. Making them all is the graph as it was traced;
 * from there each in turn is multiplied out, or made again, where that saves work, until nothing does.
 */
import type { Block, Value } from '../../graph';
import { type Chain, ChainNames, type SpecialFactors } from './chains';
import { additionCost, repeatsRow } from './cost';
import { countsOnes, linearNodes, type Sum } from './linear';
import { bestOrder, type Order, type Product, productsOf } from './order';

/** Savings below this share of the whole are not worth another rounding. */
const LEAST_GAIN = 0.002;

/** Limits on one sum: sums of sums multiply out to very many chains. */
const MOST_CHAINS = 16;
const LONGEST_CHAIN = 6;

const fits = (sum: Sum): boolean =>
  sum.length <= MOST_CHAINS && sum.every((chain) => chain.length <= LONGEST_CHAIN && !countsOnes(chain));

/** A matrix to compute. */
export interface Target {
  readonly value: Value;
  /** What to add up. */
  readonly terms: readonly Term[];
}

/** A chain and the order of its products. */
export interface Term {
  readonly order: Order;
  /** Whether the chain is a single row, to be added to every row. */
  readonly isRow: boolean;
}

export interface Plan {
  /** In the order in which the block computes them. */
  readonly targets: readonly Target[];
  /** By this estimate: as traced, and as planned. */
  readonly cost: { readonly before: number; readonly after: number };
}

/**
 * Plans the matrices of a block.
 * @param needed Values that something else than a linear node of this block needs.
 * @param uses How often each value is used.
 */
export function plan(
  block: Block,
  needed: ReadonlySet<Value>,
  uses: ReadonlyMap<Value, number>,
  special: SpecialFactors,
): Plan {
  const linear = linearNodes(block, special);
  const names = new ChainNames();
  const orders = new Map<string, Order>();
  const orderOf = (chain: Chain): Order => {
    const key = names.ordered(chain);
    const known = orders.get(key) ?? bestOrder(chain);
    orders.set(key, known);
    return known;
  };

  const termOf = (chain: Chain): Term =>
    repeatsRow(chain)
      ? { order: orderOf(chain.slice(1)), isRow: true }
      : { order: orderOf(chain), isRow: false };

  /** The targets when these matrices are made. */
  const attempt = (made: ReadonlySet<Value>): Target[] => {
    const sums = new Map<Value, Sum>();
    const atom = (value: Value): Sum => [[{ value, transposed: false }]];
    const wanted = new Set<Value>();
    for (const [value, { node, expand }] of linear) {
      const expanded = expand(
        node.inputs.map((input) => (made.has(input) ? atom(input) : (sums.get(input) ?? atom(input)))),
      );
      if (fits(expanded)) sums.set(value, expanded);
      else {
        // Too much to multiply out: it takes its inputs as they are.
        sums.set(value, expand(node.inputs.map(atom)));
        for (const input of node.inputs) if (sums.has(input)) wanted.add(input);
      }
      if (needed.has(value) || made.has(value)) wanted.add(value);
    }
    return [...sums].flatMap(([value, sum]) =>
      wanted.has(value) ? [{ value, terms: sum.map(termOf) }] : [],
    );
  };
  const products = new Map<Order, readonly Product[]>();
  /** Each product once, however often it is needed. */
  const costOf = (targets: readonly Target[]): number => {
    const paid = new Set<string>();
    let cost = 0;
    for (const { terms } of targets) {
      cost += additionCost(terms.flatMap(({ order, isRow }) => (isRow ? [] : [order.chain])));
      for (const { order } of terms) {
        const own = products.get(order) ?? productsOf(order, names);
        products.set(order, own);
        for (const product of own) {
          if (!paid.has(product.key)) cost += product.cost;
          paid.add(product.key);
        }
      }
    }
    return cost;
  };

  // What no linear node takes is made in any case, and a product that one takes alone is no choice: the order of its
  // chain decides whether it is made.
  const taken = new Set([...linear.values()].flatMap(({ node }) => node.inputs));
  const choices = [...linear].flatMap(([value, { node }]) =>
    taken.has(value) && (node.op === 'Add' || (uses.get(value) ?? 0) > 1) ? [value] : [],
  );
  let made: ReadonlySet<Value> = new Set(choices);
  let targets = attempt(made);
  const before = costOf(targets);
  let cost = before;
  for (let improved = true; improved; ) {
    improved = false;
    for (const value of choices) {
      const other = new Set(made);
      if (!other.delete(value)) other.add(value);
      const tried = attempt(other);
      const triedCost = costOf(tried);
      if (triedCost >= cost - LEAST_GAIN * before) continue;
      improved = true;
      ({ made, targets, cost } = { made: other, targets: tried, cost: triedCost });
    }
  }
  return { targets, cost: { before, after: cost } };
}
