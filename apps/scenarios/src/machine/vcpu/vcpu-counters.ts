/**
 * What one vCPU's timer was seen to do (the observables of docs/model/scenarios-lapic). Counts stay below 2^53: a
 * simulated year at 5 kHz is 1.6 · 10^11.
 */
export class VcpuCounters {
  /** Preemption timer expirations processed. */
  hvExp = 0;
  /** hrtimer callbacks. */
  cb = 0;
  /** Expirations issued synchronously by a software start that found its target past. */
  swStart = 0;
  /** Injections attempted through LVTT. */
  inj = 0;
  /** Times the timer's request bit went from 0 to 1. */
  irrSet = 0;
  /** Timer interrupts the guest took. */
  seen = 0;
  exits = 0;
  readonly #exitsFor = new Map<string, number>();
  /** Times a backend was armed. */
  restarts = 0;
  /** Times the preemption timer refused a deadline and the hrtimer took over. */
  fallbacks = 0;
  /** Warnings the kernel would have logged. */
  warnings = 0;
  /** Length of the last halt that ended, in host cycles. */
  lastHalt = 0n;
  longestHalt = 0n;
  /** Host TSC at which the guest last took a timer interrupt. */
  lastSeenAt = 0n;
  longestGap = 0n;
  /** From the deadline of an expiry to the guest taking its interrupt, in host cycles: the last, and the longest. */
  lat = 0n;
  longestLat = 0n;
  /** Signed distance of the two deadlines, hrtimer's minus preemption timer's, in host cycles: now and at most. */
  lag = 0n;
  largestLag = 0n;

  /** The longest the CPU had interrupts off for its timers, in host cycles, and the passes it took. */
  busy = 0n;
  passes = 0;
  /** The most callbacks the first pass of one interrupt ran. */
  cbPass1 = 0;

  /** Every expiry the host accounted for, whichever way it came. */
  get expirations(): number {
    return this.hvExp + this.cb + this.swStart;
  }

  /** Exits by their reason. */
  get exitsFor(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#exitsFor);
  }

  exited(reason: string): void {
    this.exits += 1;
    // A map: several times a tick, by names that V8 does not specialise a property access for.
    this.#exitsFor.set(reason, (this.#exitsFor.get(reason) ?? 0) + 1);
  }

  haltEnded(cycles: bigint): void {
    this.lastHalt = cycles;
    if (cycles > this.longestHalt) this.longestHalt = cycles;
  }

  interruptSeen(at: bigint): void {
    this.seen += 1;
    const gap = at - this.lastSeenAt;
    this.lastSeenAt = at;
    if (gap > this.longestGap) this.longestGap = gap;
  }

  taken(late: bigint): void {
    this.lat = late;
    if (late > this.longestLat) this.longestLat = late;
  }

  interruptsWereOff(cycles: bigint, passes: number): void {
    if (cycles < this.busy || (cycles === this.busy && passes <= this.passes)) return;
    this.busy = cycles;
    this.passes = passes;
  }

  deadlinesApart(lag: bigint): void {
    this.lag = lag;
    const size = lag < 0n ? -lag : lag;
    if (size > this.largestLag) this.largestLag = size;
  }
}
