/** @file What the package offers wherever JavaScript runs: all that needs neither Node nor a page. */
export { type BootstrapOptions, type Interval, pairedBootstrap } from './analysis/bootstrap';
export { chosenLearningRate, type DigitsOutcome, digitsOutcome } from './analysis/digits-outcome';
export { type DropRule, type Drops, dropsAfter, type EventRule, eventStep } from './analysis/events';
export { holm } from './analysis/holm';
export {
  type ObservedRun,
  type OrderedRun,
  type OrderOfEvents,
  type OrderOptions,
  orderOfEvents,
  type Precedence,
  RUN_EVENTS,
  type RunEvent,
} from './analysis/order-of-events';
export { type Phase, type PhaseName, type PhaseOptions, type Phases, phases } from './analysis/phases';
export { quantile } from './analysis/quantile';
export { rankCorrelation } from './analysis/rank-correlation';
export { signFlipTest } from './analysis/sign-flip';
export { type SpectrumMeasure, type SpectrumMeasures, spectrumMeasures } from './analysis/spectrum';
export {
  type Course,
  type Drop,
  type DropOptions,
  type MatrixCourse,
  matrixCourses,
  modelCourse,
  SPECTRUM_MEASURES,
  spectrumDrop,
} from './analysis/spectrum-course';
export { type SpectrumMoment, spectrumMoments } from './analysis/spectrum-moments';
export {
  kaplanMeier,
  type Observation,
  type SurvivalPoint,
  survivalQuantile,
} from './analysis/survival';
export * from './compile';
export {
  type Dataset,
  type DatasetOptions,
  type DatasetSizes,
  datasetSizes,
  makeDataset,
  operandsOf,
} from './data/dataset';
export {
  DIGIT_CLASSES,
  DIGIT_PIXELS,
  DIGIT_SIDE,
  type DigitSplit,
  type Digits,
  splitDigits,
} from './data/digits';
export {
  getOperation,
  type OperandDomain,
  type Operation,
  type OperationName,
  operationNames,
} from './data/operations';
export { type OutlierOptions, type Outliers, withOutliers } from './data/outliers';
export { type RandomStream, randomStream } from './data/random';
export {
  gatherRows,
  mirrorShare,
  type RowBatch,
  SPLIT_METHODS,
  type Split,
  type SplitMethod,
  type SplitOptions,
  splitRows,
} from './data/split';
export { S5_ORDER, s5Cycles, s5Element, s5Inverse, s5Product, s5Values } from './data/symmetric-group';
export { TOKEN_FORMS, type TokenForm, type TokenLayout, tokenLayout } from './data/token-forms';
export * from './errors';
export * from './figures';
export {
  type DecoderModelConfig,
  FACTORED_MATRICES,
  type FactoredConfig,
  type FactoredMatrices,
  type GptModelConfig,
  type MaskMode,
  type ModelConfig,
  type ModelName,
  type PositionKind,
  type PowerModelConfig,
  SINGULAR_VALUE_RULES,
  type SingularValueRule,
} from './models/config';
export { type ConvNetConfig, convNet } from './models/conv-net';
export {
  type AttentionParams,
  asDecoderParams,
  type DecoderLayerParams,
  type DecoderParams,
  decoderModel,
  type WeightAndBias,
} from './models/decoder';
export { factorMatrix, type HostSvdFactors } from './models/factor-matrix';
export { type FactoredOptions, factored } from './models/factored';
export type { ModelHint } from './models/foreign';
export {
  asGptParams,
  type GptBlockParams,
  type GptConfig,
  type GptInitialization,
  type GptParams,
  gptForward,
  gptShapes,
} from './models/gpt';
export {
  applyHouseholder,
  type HouseholderColumns,
  type HouseholderOptions,
  householderMatrix,
  orthonormalRows,
} from './models/householder';
export type { ImageClassifier } from './models/image-classifier';
export { initializeGpt, treeOfNames } from './models/initialize';
export { accuracy, crossEntropy } from './models/loss';
export { type MlpConfig, mlp } from './models/mlp';
export type { ForwardOptions, Model } from './models/model';
export { mapParams, namedTensors, type Params, toTensors, valueAndGrads } from './models/params';
export { sinusoidalEncoding } from './models/positional-encoding';
export { predict } from './models/predict';
export { createModel, MODEL_NAMES } from './models/registry';
export { type Rows, selectRows, type TokenBatch, tokenBatch } from './models/rows';
export { type DenseMatrix, singularValues } from './models/singular-values';
export { checkModelSizes } from './models/sizes';
export { type SvdFactors, svdLinear, svdMatrices, svdMatrix } from './models/svd-matrix';
export * from './models/true-grad';
export { type NamedShape, type WeightMatrix, weightMatrices } from './models/weight-matrices';
export { type WeightNoiseOptions, weightNoise } from './models/weight-noise';
export * from './optim';
export { encodeCheckpoint, type LoadedModel, loadModel } from './train/checkpoint';
export {
  type BatchSize,
  datasetOf,
  type Initialization,
  modelConfigOf,
  type RunConfig,
  type RunOptions,
  runConfig,
  splitOf,
} from './train/config';
export type { IdleThreads } from './train/crowding';
export {
  type DigitsRunOptions,
  type DigitsTrainer,
  openDigitsTrainer,
  selectImages,
} from './train/digits';
export {
  DIGITS_MODELS,
  DIGITS_TRAINED_ON,
  type DigitsArm,
  type DigitsModelName,
  type DigitsProtocol,
  type DigitsStage,
  parseDigitsProtocol,
} from './train/digits-protocol';
export type { DigitsCurve, DigitsRun, DigitsRunKey } from './train/digits-results';
export type { DigitsStepParts, LabelledImages } from './train/digits-step';
export { type LoopOptions, type LoopResult, type StopReason, trainLoop } from './train/loop';
export { evaluationsOf, parseMetrics } from './train/metrics-csv';
export { formatLoss, formatPercent, formatSeconds } from './train/number-format';
export type { StateObserver } from './train/observer';
export { type PreparedRun, prepareRun } from './train/prepare';
export {
  describePreset,
  PRESET_NAMES,
  PRESETS,
  type Preset,
  type PresetDescription,
  type PresetName,
} from './train/presets';
export type { Evaluation, ProgressDisplay, TrainingProgress } from './train/progress';
export {
  type Continuation,
  type FinishedRun,
  type RunEnvironment,
  type RunSettings,
  type RunSink,
  type RunSummary,
  requireFinite,
  runTraining,
} from './train/run';
export {
  decodeSafetensors,
  encodeSafetensors,
  type StoredDType,
  type StoredTensor,
  type TensorFile,
} from './train/safetensors';
export type { TrainingSession } from './train/sessions';
export type { RecordedMatrix, Spectrum, SpectrumSchedule } from './train/spectrum';
export { encodeSpectrum, spectrumIn } from './train/spectrum';
export {
  type SpectrumRecorder,
  type SpectrumRecorderOptions,
  spectrumRecorder,
} from './train/spectrum-recorder';
export type { TrainState } from './train/state';
export { type Batch, makeStep, type StepParts } from './train/step';
export type { AccuracyTarget } from './train/target';
