/** @file Comparisons of optimisers by a protocol that is written before the first run. */
export {
  type Comparison,
  curveFile,
  readComparison,
} from './folder';
export {
  type Choice,
  COMPARISON_PHASES,
  type ComparisonPhase,
  chooseTrials,
  type PlannedRun,
} from './plan';
export {
  type Arm,
  type Claim,
  type ComparisonProtocol,
  type PhasePlan,
  parseProtocol,
  type Setting,
  type Trial,
} from './protocol';
export type { RunRecord } from './record';
export {
  type ArmResult,
  type ClaimResult,
  type ComparisonResults,
  comparisonResults,
  type SeedObservation,
} from './results';
