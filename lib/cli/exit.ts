/** @file How the command line talks to its surroundings. */

/** Exit codes. */
export const EXIT = {
  done: 0,
  /** Something went wrong while working: a file, the training itself. */
  failure: 1,
  /** The arguments are wrong. */
  badArguments: 2,
  /** Stopped by Ctrl-C or SIGTERM, state saved. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where output goes and where relative paths begin. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly directory: string;
}
