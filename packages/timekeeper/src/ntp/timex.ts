/**
 * The faces of one adjtimex call: what user space passes, what it reads back, and what the timekeeper tells the NTP code
 * in between (`struct __kernel_timex`, include/uapi/linux/timex.h).
 */

/** A `struct timeval` or, with nanoseconds asked for, the same fields holding ns. */
export interface TimexTime {
  /** Whole seconds, s64. */
  readonly sec: bigint;
  /** µs, or ns when the call is in ns; s64. */
  readonly usec: bigint;
}

/** `struct timex` as user space passes it. Each field is only read when its bit in `modes` is set; it must then be there. */
export interface Timex {
  /** The ADJ_* bits, u32; bits the kernel has no name for are ignored, as by the kernel. */
  readonly modes: number;
  /** ADJ_OFFSET: µs, or ns with STA_NANO. ADJ_OFFSET_SINGLESHOT: µs. s64. */
  readonly offset?: bigint;
  /** ADJ_FREQUENCY: ppm × 2^16, s64. */
  readonly freq?: bigint;
  /** ADJ_MAXERROR: µs, s64. */
  readonly maxerror?: bigint;
  /** ADJ_ESTERROR: µs, s64. */
  readonly esterror?: bigint;
  /** ADJ_STATUS: STA_* bits, a 32-bit int. */
  readonly status?: number;
  /** ADJ_TIMECONST: the time constant; ADJ_TAI: TAI − UTC, s. One field for both, s64. */
  readonly constant?: bigint;
  /** ADJ_TICK: µs per 1/100 s, s64. */
  readonly tick?: bigint;
  /** ADJ_SETOFFSET: how far to step CLOCK_REALTIME. `usec` is ns with ADJ_NANO in the same call, and never negative. */
  readonly time?: TimexTime;
}

/** What adjtimex answers. */
export interface AdjtimexResult {
  /**
   * The clock's state: TIME_OK … TIME_WAIT, or TIME_ERROR while not synchronised; −22 (−EINVAL) for a refused call, which
   * changed nothing: the other fields then tell the state as it is (the kernel leaves the caller's struct alone).
   */
  readonly result: number;
  /** What is left of the phase offset, µs or ns by STA_NANO; after a single-shot call what adjtime() had left, µs. */
  readonly offset: bigint;
  /** ppm × 2^16, rounded toward zero from the kernel's own units. */
  readonly freq: bigint;
  /** µs. */
  readonly maxerror: bigint;
  /** µs. */
  readonly esterror: bigint;
  /** STA_* bits. */
  readonly status: number;
  /** The loop's time constant, 0 … 10. */
  readonly constant: bigint;
  /** Always 1 (µs). */
  readonly precision: bigint;
  /** Always 32 768 000: 500 ppm × 2^16. */
  readonly tolerance: bigint;
  /** µs per 1/100 s. */
  readonly tick: bigint;
  /** CLOCK_REALTIME, one second less or more around a leap second that the tick has not applied yet. */
  readonly time: TimexTime;
  /** TAI − UTC, s; likewise. */
  readonly tai: number;
}

/** What the timekeeper knows and the NTP code asks for in one adjtimex call. */
export interface AdjtimexClock {
  /** `xtime_sec` of the last update, s64: the second a phase offset is dated with (`__ktime_get_real_seconds`). */
  readonly xtimeSec: bigint;
  /** CLOCK_REALTIME read at the call, after any ADJ_SETOFFSET. `nsec` is 0 … 999 999 999. */
  readonly realtime: { readonly sec: bigint; readonly nsec: bigint };
  /** TAI − UTC before the call, s, a 32-bit int. */
  readonly taiOffsetSec: number;
}

/** What the NTP part of one adjtimex call leaves behind. */
export interface NtpAdjtimexOutcome {
  readonly answer: AdjtimexResult;
  /** TAI − UTC as ADJ_TAI set it, or as it was; the timekeeper stores it and, when it changed, tells "clock was set". */
  readonly taiOffsetSec: number;
}
