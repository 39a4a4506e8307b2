/**
 * @file The errors a user can cause. Each message is one line that names the value given, what was expected and
 * what to do; the command line prints it as it is, without a stack trace.
 */

/** A mistake in what the user asked for or supplied; the base of every named error of this package. */
export class UserError extends Error {
  override name = 'UserError';
}

/** An option or argument outside its range. */
export class ArgumentError extends UserError {
  override name = 'ArgumentError';
}

/** A file that is missing, unreadable, malformed or cannot be written. */
export class FileError extends UserError {
  override name = 'FileError';
}

/** A training run that cannot go on, such as a loss that became NaN. */
export class TrainingError extends UserError {
  override name = 'TrainingError';
}

/** Quotes a text of a file for a message: escaped, on one line, and not too long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}

/** Options that the command line calls by another name than their own in kebab-case. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  modulus: 'p',
  learningRate: 'lr',
  dModel: 'd-model',
  dFF: 'd-ff',
  beta3: 'b3',
  trueGrad: 'truegrad',
};

/** What the command line, and so every message, calls an option of a configuration: `evalEvery` is `eval-every`. */
export function optionName(key: string): string {
  return SHORT_NAMES[key] ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
