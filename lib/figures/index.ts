/** @file Figures as plain Plotly specifications; nothing here needs Node. The outlets are in `index.node`. */
export { type AccuracyPanel, type AccuracyPanelsOptions, accuracyPanels } from './accuracy-panels';
export { type AttentionMapsOptions, type AttentionRow, attentionMaps } from './attention-maps';
export { decoderDiagram } from './decoder-diagram';
export { type Effect, type EffectForestOptions, effectForest } from './effect-forest';
export { type ErrorArm, type ErrorCurvesOptions, type ErrorPanel, errorCurves } from './error-curves';
export { type EventOrderOptions, eventOrder } from './event-order';
export { type EventStripOptions, eventStrip, type StripArm } from './event-strip';
export { type Figure, type Layout, type Size, sizeOf, type Trace, titleOf } from './figure';
export { type HeatMapOptions, heatMap, type Matrix } from './heat-map';
export { type HeatMapPanel, heatMaps } from './heat-maps';
export {
  type ModelDiagramOptions,
  type ModelPart,
  type ModelStage,
  modelDiagram,
  type RepeatedPart,
  type ResidualBranch,
} from './model-diagram';
export { type OperationTable, type OperationTableOptions, operationTable } from './operation-table';
export { type OperationPanel, type OperationTablesOptions, operationTables } from './operation-tables';
export { type ProgramGraphOptions, programGraph } from './program-graph';
export { type SpectraOptions, spectra } from './spectra';
export { type SpectrumCoursesOptions, spectrumCourses } from './spectrum-courses';
export { type SurvivalArm, type SurvivalCurvesOptions, survivalCurves } from './survival-curves';
export { type LabelledHistory, type TrainingCurvesOptions, trainingCurves } from './training-curves';
