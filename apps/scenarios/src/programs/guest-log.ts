/** What one vCPU's guest saw of its clocks. */
export class GuestLog {
  readonly #readings: SharedReadings;
  #backwardSteps = 0n;
  #furthestBack = 0n;
  /** How far its TSC was from the deadline when a timer of it expired, in guest cycles: the one furthest off. */
  deadlineError = 0n;
  /** Whether its watchdog gave the TSC up. */
  tscUnstable = false;

  /** @param readings - what all vCPUs of the guest have read. */
  constructor(readings: SharedReadings) {
    this.#readings = readings;
  }

  /** It read its clock. */
  read(ns: bigint): void {
    const back = this.#readings.latestNs - ns;
    if (back <= 0n) {
      this.#readings.latestNs = ns;
      return;
    }
    this.#backwardSteps += 1n;
    if (back > this.#furthestBack) this.#furthestBack = back;
  }

  /** Readings that were less than one made before, here or on another vCPU. */
  get backwardSteps(): bigint {
    return this.#backwardSteps;
  }

  /** The most that a reading was less than one made before, ns. */
  get furthestBack(): bigint {
    return this.#furthestBack;
  }

  /** A timer of its TSC expired so many guest cycles after its deadline; negative is early. */
  expired(errorCycles: bigint): void {
    if (magnitude(errorCycles) > magnitude(this.deadlineError)) this.deadlineError = errorCycles;
  }
}

/** The latest reading of a guest's clock on any of its vCPUs, ns. */
export interface SharedReadings {
  latestNs: bigint;
}

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x);
