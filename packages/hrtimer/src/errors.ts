/**
 * One interrupt ran more callbacks than the limit allows: some timer keeps re-arming itself at or before the instant
 * the pass was sampled at, which in the kernel is a CPU that never leaves its interrupt (docs/model/hrtimer §6.1).
 *
 * @example
 * const error = new HrtimerLoopError("lapic0", 20_000_000, 5_000n);
 * error.message // => 'interrupt: expected at most 20000000 callbacks, and timer "lapic0" is due again at 5000 ns'
 */
export class HrtimerLoopError extends Error {
  override readonly name = "HrtimerLoopError";
  /** Name of the timer that was due when the limit was reached. */
  readonly timerName: string;
  /** Callbacks the interrupt had run. */
  readonly count: number;
  /** Hard expiry of that timer, nanoseconds of its clock. */
  readonly expiresNs: bigint;

  constructor(timerName: string, count: number, expiresNs: bigint) {
    super(
      `interrupt: expected at most ${count} callbacks, and timer "${timerName}" is due again at ${expiresNs} ns`,
    );
    this.timerName = timerName;
    this.count = count;
    this.expiresNs = expiresNs;
  }
}

/**
 * `cancel` was asked to wait for a callback that is running. In the kernel the caller spins until the callback ends;
 * here nothing else can run meanwhile, so it would spin for ever (docs/model/hrtimer §4). `tryToCancel` does not wait.
 *
 * @example
 * new HrtimerDeadlockError("lapic0").message // => 'cancel: expected no callback to wait for, and that of timer "lapic0" is running'
 */
export class HrtimerDeadlockError extends Error {
  override readonly name = "HrtimerDeadlockError";
  readonly timerName: string;

  constructor(timerName: string) {
    super(`cancel: expected no callback to wait for, and that of timer "${timerName}" is running`);
    this.timerName = timerName;
  }
}
