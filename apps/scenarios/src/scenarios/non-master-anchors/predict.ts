/**
 * What docs/model/scenarios-clock §S10 says of vCPUs without a master clock, worked out from the parameters and the kernel's
 * rules alone: when each took its reference, and who is kicked. No machine.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import { LEAD_STEP_NS, movingNs } from "./move-about.js";
import type { NonMasterAnchorsParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
const SYNC_NS = 300n * NS_PER_S;
const DELAY_NS = 100n * NS_PER_MS;
const FRACTION_BITS = 48n;
/** Loads of a vCPU that may kick the others, a second. */
const LOADS_PER_S = 10;

export class AnchorModel {
  readonly #params: NonMasterAnchorsParams;
  readonly #axes: Readonly<Record<string, string>>;
  readonly #clocks: KvmclockArithmetic;

  constructor(params: NonMasterAnchorsParams, axes: Readonly<Record<string, string>>) {
    this.#params = params;
    this.#axes = axes;
    this.#clocks = new KvmclockArithmetic({
      hostKhz: params.hostKhz,
      guestKhz: params.guestKhz,
      fractionBits: FRACTION_BITS,
      guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
    });
  }

  /** Whether each vCPU has a reference of its own. */
  get isOff(): boolean {
    const { off } = this.#params;
    return off === "old-msr" || (off === "offset" && this.#axes.masterClockTsc === "equal-offset");
  }

  get isDelayed(): boolean {
    return this.#axes.globalUpdate === "delayed-100ms";
  }

  /** vCPU 1's clock minus vCPU 0's when that is moved at an age. */
  apartNs(age: bigint): bigint {
    return this.isOff ? this.driftNs(age - this.#anchorNs(age)) : 0n;
  }

  /** How long that lasts. */
  lastsNs(): bigint {
    if (!this.isOff) return 0n;
    return this.isDelayed ? DELAY_NS : this.#params.ipi;
  }

  /** By how much a clock is ahead of a new reference so long after its own. */
  driftNs(ns: bigint): bigint {
    const cycles = this.#tscAt(ns);
    return this.#clocks.guestNs(cycles) - this.#clocks.rawNs(cycles);
  }

  /** Kicks of vCPU 1 while vCPU 0 is moved about. */
  kicks(): bigint {
    const moves = this.#moves();
    if (!this.isOff) return this.#axes.gratuitousGlobal === "always" ? BigInt(this.#syncs().length) : 0n;
    if (this.isDelayed) return this.#delayedKicks(moves);
    return this.#axes.globalUpdate === "immediate" ? BigInt(moves.length) : this.#limitedKicks(moves);
  }

  /** When vCPU 1 took the reference it has at an age. */
  #anchorNs(age: bigint): bigint {
    const started = this.isDelayed ? DELAY_NS : 0n;
    if (this.#axes.periodicSync !== "300s") return started;
    const synced = ((age - 1n) / SYNC_NS) * SYNC_NS;
    return synced > started ? synced : started;
  }

  /** A request waits 100 ms for others, which change nothing then; a sync finds it waiting, or is one that does not wait. */
  #delayedKicks(moves: readonly bigint[]): bigint {
    const requests = [
      ...moves.map((at) => ({ at, waits: this.#cycles(DELAY_NS) })),
      ...this.#syncs().map((at) => ({ at, waits: 0n })),
    ].sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
    let due: bigint | undefined;
    let kicks = 0n;
    for (const { at, waits } of requests) {
      if (due !== undefined && due >= at) continue;
      due = at + waits;
      kicks += 1n;
    }
    return kicks;
  }

  #limitedKicks(moves: readonly bigint[]): bigint {
    let began: bigint | undefined;
    let passed = 0;
    let kicks = 0n;
    for (const at of moves) {
      const ns = this.#clocks.rawNs(at);
      if (began === undefined || ns - began > NS_PER_S) {
        began = ns;
        passed = 0;
      }
      if (passed === LOADS_PER_S) continue;
      passed += 1;
      kicks += 1n;
    }
    return kicks;
  }

  #moves(): readonly bigint[] {
    const { age, moves, moveEvery } = this.#params;
    return Array.from({ length: Number(moves) }, (_, i) => this.#tscAt(age + moveEvery * BigInt(i)) - 1n);
  }

  /** The periodic syncs while it is counted. */
  #syncs(): readonly bigint[] {
    if (this.#axes.periodicSync !== "300s") return [];
    const { age } = this.#params;
    const [from, to] = [this.#tscAt(age - LEAD_STEP_NS), this.#tscAt(age + movingNs(this.#params))];
    const period = this.#cycles(SYNC_NS);
    const first = from / period + 1n;
    const last = to / period;
    return first > last
      ? []
      : Array.from({ length: Number(last - first + 1n) }, (_, i) => (first + BigInt(i)) * period);
  }

  #tscAt(ns: bigint): bigint {
    return (ns * this.#params.hostKhz) / NS_PER_MS;
  }

  #cycles(ns: bigint): bigint {
    return (ns * this.#params.hostKhz * 2n + NS_PER_MS) / (2n * NS_PER_MS);
  }
}
