/** @file A page that uses the whole of the package, so that a bundler drops nothing of it. */
import * as everything from 'optimal-grokking';

globalThis.everything = everything;
