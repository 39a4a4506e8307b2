/** @file The package as a page sees it: all that does not need Node, and ONNX Runtime for the web as its runtime. */
export { type WebRuntimeOptions, webRuntime } from './compile/runtime.web';
export * from './portable';
