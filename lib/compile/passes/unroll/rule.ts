/** @file The form of a rule: what a kernel does to values in pieces. */
import type { Node, Value } from '../../graph';
import type { Builder } from '../builder';
import type { Pieces } from './pieces';

/** A whole operand is cut to fit others in pieces where it is at most this share of the result; else they are joined. */
export const SMALL_OPERAND = 0.25;

/** What a rule may ask of the pass. */
export interface Context {
  readonly build: Builder;
  /** The pieces of a value that has any. */
  pieces(value: Value): Pieces | undefined;
}

/** The result in pieces, or whole, or nothing where the rule does not fit. */
export type Rule = (node: Node, context: Context) => Pieces | Value | undefined;
