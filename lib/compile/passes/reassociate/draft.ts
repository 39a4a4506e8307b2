/**
 * @file The matrices that follow from a choice of intermediate ones, and what they cost. A change of the choice works out
 * anew only what it reaches, so that a deep network takes as many small looks as it has layers.
 */
import type { Value } from '../../graph';
import { at } from '../../kernels/rule';
import { type Chain, ChainNames } from './chains';
import { additionCost, repeatsRow } from './cost';
import { countsOnes, type LinearNodes, type Sum } from './linear';
import { bestOrder, type Order, type Product, productsOf } from './order';

/** Limits on one sum: sums of sums multiply out to very many chains. */
const MOST_CHAINS = 16;
const LONGEST_CHAIN = 6;

const fits = (sum: Sum): boolean =>
  sum.length <= MOST_CHAINS && sum.every((chain) => chain.length <= LONGEST_CHAIN && !countsOnes(chain));

const atom = (value: Value): Sum => [[{ value, transposed: false }]];

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

/** A state of the search: which matrices are made, and what that comes to. Changed in place by `toggle`. */
export class Draft {
  private readonly made: Set<Value>;
  private readonly values: readonly Value[];
  private readonly places: ReadonlyMap<Value, number>;
  /** Places of the linear nodes that take a value. */
  private readonly takers = new Map<Value, number[]>();
  /** What each linear value is, multiplied out down to the matrices made. */
  private readonly sums = new Map<Value, Sum>();
  /** Those that would be too much to multiply out, and take their inputs as they are. */
  private readonly direct = new Set<Value>();
  /** How many such take a value. */
  private readonly forced = new Map<Value, number>();
  private readonly terms = new Map<Value, readonly Term[]>();
  private readonly names = new ChainNames();
  private readonly orders = new Map<string, Order>();
  private readonly products = new Map<Order, readonly Product[]>();
  /** How many terms need a product, each of which is made once, and what it costs. */
  private readonly shared = new Map<string, { uses: number; readonly cost: number }>();
  private total = 0;

  /**
   * @param needed Values that something else than a linear node needs.
   * @param made Values to make although only linear nodes take them.
   */
  constructor(
    private readonly linear: LinearNodes,
    private readonly needed: ReadonlySet<Value>,
    made: Iterable<Value>,
  ) {
    this.made = new Set(made);
    this.values = [...linear.keys()];
    this.places = new Map(this.values.map((value, place) => [value, place]));
    for (const [place, { node }] of [...linear.values()].entries()) {
      for (const input of node.inputs) this.takers.set(input, [...(this.takers.get(input) ?? []), place]);
    }
    for (const value of this.values) this.update(value);
  }

  /** Of all products, each once, and of additions. */
  get cost(): number {
    return this.total;
  }

  /** In the order of the block. */
  targets(): Target[] {
    return this.values.flatMap((value) => {
      const terms = this.terms.get(value);
      return terms === undefined ? [] : [{ value, terms }];
    });
  }

  /** Makes a matrix that was multiplied out, or multiplies out one that was made. A second call takes the first back. */
  toggle(value: Value): void {
    if (!this.made.delete(value)) this.made.add(value);
    this.retarget(value);
    const stale = new Set(this.takers.get(value));
    // In the order of the block, so that a node comes after all that it takes.
    for (let place = this.places.get(value) ?? 0; stale.size > 0; place++) {
      if (!stale.delete(place)) continue;
      const next = at(this.values, place);
      const spreads = this.update(next) && !this.made.has(next);
      if (spreads) for (const taker of this.takers.get(next) ?? []) stale.add(taker);
    }
  }

  /** Multiplies a node out; tells whether that may have changed. */
  private update(value: Value): boolean {
    const found = this.linear.get(value);
    if (found === undefined) throw new Error('only linear values are multiplied out');
    const { inputs } = found.node;
    const full = found.expand(
      inputs.map((input) => (this.made.has(input) ? atom(input) : (this.sums.get(input) ?? atom(input)))),
    );
    const wasDirect = this.direct.has(value);
    const isDirect = !fits(full);
    if (isDirect && wasDirect) return false;
    this.sums.set(value, isDirect ? found.expand(inputs.map(atom)) : full);
    if (isDirect !== wasDirect) {
      if (isDirect) this.direct.add(value);
      else this.direct.delete(value);
      for (const input of inputs) {
        if (!this.linear.has(input)) continue;
        this.forced.set(input, (this.forced.get(input) ?? 0) + (isDirect ? 1 : -1));
        this.retarget(input);
      }
    }
    this.retarget(value);
    return true;
  }

  /** Puts the terms of a value into the account if it is wanted, and the former ones out of it. */
  private retarget(value: Value): void {
    this.account(this.terms.get(value) ?? [], -1);
    this.terms.delete(value);
    const isWanted = this.needed.has(value) || this.made.has(value) || (this.forced.get(value) ?? 0) > 0;
    const sum = this.sums.get(value);
    if (!isWanted || sum === undefined) return;
    const terms = sum.map((chain) => this.termOf(chain));
    this.terms.set(value, terms);
    this.account(terms, 1);
  }

  private account(terms: readonly Term[], sign: 1 | -1): void {
    this.total += sign * additionCost(terms.flatMap(({ order, isRow }) => (isRow ? [] : [order.chain])));
    for (const { order } of terms) {
      for (const { key, cost } of this.productsOf(order)) {
        const entry = this.shared.get(key) ?? { uses: 0, cost };
        this.shared.set(key, entry);
        if (entry.uses === (sign === 1 ? 0 : 1)) this.total += sign * entry.cost;
        entry.uses += sign;
      }
    }
  }

  private productsOf(order: Order): readonly Product[] {
    const known = this.products.get(order) ?? productsOf(order, this.names);
    this.products.set(order, known);
    return known;
  }

  private termOf(chain: Chain): Term {
    const isRow = repeatsRow(chain);
    return { order: this.orderOf(isRow ? chain.slice(1) : chain), isRow };
  }

  private orderOf(chain: Chain): Order {
    const key = this.names.ordered(chain);
    const known = this.orders.get(key) ?? bestOrder(chain);
    this.orders.set(key, known);
    return known;
  }
}
