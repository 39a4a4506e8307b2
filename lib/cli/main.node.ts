/** @file The `grok` command: training and predicting from a terminal. */
import { Command, CommanderError } from 'commander';
import { CompileError } from '../compile';
import { ArgumentError, UserError } from '../errors';
import { EXIT, type ExitCode, type Streams } from './exit';
import { addPredictCommand } from './predict.node';
import { addPresetsCommand } from './presets.node';
import { addTrainCommand } from './train.node';

/** npm runs scripts in the package's folder and leaves the user's own folder in INIT_CWD. */
const processStreams = (): Streams => ({
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  directory: process.env.INIT_CWD ?? process.cwd(),
});

/**
 * Runs the command line.
 * @param args Without the names of node and the script.
 * @returns The exit code: 0 done, 1 failure, 2 bad arguments, 130 interrupted with the state saved.
 */
export async function main(args: readonly string[], streams: Streams = processStreams()): Promise<ExitCode> {
  let code: ExitCode = EXIT.done;
  const done = (result: ExitCode) => {
    code = result;
  };
  const program = new Command('grok')
    .description('Train small transformers on modular arithmetic until they grok.')
    .exitOverride()
    .configureOutput({ writeOut: streams.out, writeErr: streams.err, outputError: () => undefined })
    .showHelpAfterError(false);
  addTrainCommand(program, streams, done);
  addPredictCommand(program, streams, done);
  addPresetsCommand(program, streams, done);
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return report(error instanceof CommanderError ? argumentMistake(error, program, args) : error, streams);
  }
}

/** What commander refused, in the form of our own messages; its help, which it ends with an error too, as it is. */
function argumentMistake(
  error: CommanderError,
  program: Command,
  [name]: readonly string[],
): CommanderError | ArgumentError {
  if (!error.message.startsWith('error: ')) return error;
  const command = program.commands.find((each) => each.name() === name);
  const extra = command?.args[command.registeredArguments.length];
  const problem =
    error.code === 'commander.excessArguments' && extra !== undefined
      ? `'${extra}' is one argument too many for ${name}, leave it out`
      : error.message
          .slice('error: '.length)
          .replace(/\n\((.*)\)$/, ' ($1)')
          .replace(/\.$/, '');
  return new ArgumentError(`${problem}; see \`grok${command === undefined ? '' : ` ${name}`} --help\``);
}

/** A user's mistake is one line; anything else is a defect of ours and keeps its stack trace. */
function report(error: unknown, streams: Streams): ExitCode {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badArguments;
  if (error instanceof UserError || error instanceof CompileError) {
    streams.err(`grok: ${error.message}\n`);
    return error instanceof ArgumentError ? EXIT.badArguments : EXIT.failure;
  }
  streams.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return EXIT.failure;
}
