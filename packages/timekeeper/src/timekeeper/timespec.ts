const NSEC_PER_SEC = 1_000_000_000n;
/** Seconds that a signed 64-bit number of nanoseconds can hold (`KTIME_SEC_MAX`). */
const KTIME_SEC_MAX = (2n ** 63n - 1n) / NSEC_PER_SEC;
/** Thirty years: how long a machine may stay up after its clock was set (`TIME_UPTIME_SEC_MAX`). */
const UPTIME_SEC_MAX = 30n * 365n * 24n * 3600n;
const SETTOD_SEC_MAX = KTIME_SEC_MAX - UPTIME_SEC_MAX;

/** Seconds and nanoseconds (`struct timespec64`). */
export interface Timespec {
  /** s64. */
  readonly sec: bigint;
  /** 0 … 999 999 999 when normalised. */
  readonly nsec: bigint;
}

/** The normalised timespec of a number of nanoseconds: a negative one has its seconds rounded down. */
export function fromNs(ns: bigint): Timespec {
  const nsec = ((ns % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
  return { sec: (ns - nsec) / NSEC_PER_SEC, nsec };
}

export function toNs({ sec, nsec }: Timespec): bigint {
  return sec * NSEC_PER_SEC + nsec;
}

/** Whether CLOCK_REALTIME may be set to it (`timespec64_valid_settod`): years 1970 … 2232. */
export function isSettable({ sec, nsec }: Timespec): boolean {
  return sec >= 0n && sec < SETTOD_SEC_MAX && nsec >= 0n && nsec < NSEC_PER_SEC;
}
