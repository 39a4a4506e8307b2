/**
 * @file Notices that other programs want the cores that a run computes on. ONNX Runtime's threads wait for work by
 * spinning, which is the fastest alone and the slowest in company: on two cores, two runs at once that spin lose a
 * quarter against one after the other, two whose threads sleep lose nothing.
 */

/** Where a run's program may be exchanged for one whose waiting threads sleep. */
export interface IdleThreads<P> {
  /** Threads of the program, at least 2. */
  readonly threads: number;
  /** Milliseconds of processor time that this process has used, all threads together. */
  readonly processorTime: () => number;
  /** The same program with waiting threads that sleep. Same numbers, bit for bit. */
  readonly sleeping: () => Promise<P>;
}

/** Milliseconds of calls to look at before judging. */
const LONG_ENOUGH = 1000;

/** Threads that spin fill their cores; with less than this share of them, somebody else is there. */
const UNDISTURBED = 0.8;

/** Sums up calls of a program until it is clear whether its threads had the cores to themselves. */
export class CrowdingWatch {
  private wall = 0;
  private processor = 0;

  constructor(private readonly threads: number) {}

  /** Takes the time of one more call in; whether the calls of about the last second were disturbed. */
  add(milliseconds: number, processorMilliseconds: number): boolean {
    this.wall += milliseconds;
    this.processor += processorMilliseconds;
    if (this.wall < LONG_ENOUGH) return false;
    const share = this.processor / (this.wall * this.threads);
    this.wall = 0;
    this.processor = 0;
    return share < UNDISTURBED;
  }
}
