/** @file Comparisons of optimisers by a protocol that is written before the first run. */
export type { ClaimResult, PairedEffect, Sides, Verdict } from './claims';
export {
  type Comparison,
  curveFile,
  readComparison,
} from './folder';
export type { Edge, Trial } from './grid';
export {
  type Choice,
  COMPARISON_PHASES,
  type ComparisonPhase,
  chooseTrials,
  type PlannedRun,
  type TunedTrial,
} from './plan';
export {
  type Arm,
  type Claim,
  type ComparisonProtocol,
  type PhasePlan,
  parseProtocol,
  type Setting,
} from './protocol';
export type { RunRecord } from './record';
export {
  type ArmResult,
  type ComparisonResults,
  comparisonResults,
  ownRecords,
  type Progress,
  type SeedObservation,
} from './results';
export type { Quartiles, StepTimes } from './step-times';
