/**
 * What docs/model/clocksource-tsc §6.6 and docs/model/pvclock §2 say of a sleep, from the parameters alone: three linear
 * clocks in host cycles, and what each of them is told of the sleep.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import { tscAtSleep } from "./check-params.js";
import type { TscInSleep } from "./machine.js";
import type { HostSuspendParams } from "./params.js";

const NS_PER_S = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
const WORD = 2n ** 32n;

/** What a sleep is expected to do. */
export interface PredictedSuspend {
  readonly tscGain: bigint;
  readonly clockGain: bigint;
  readonly step: bigint;
  readonly off: bigint;
  readonly lost: bigint;
  readonly given: bigint;
}

/** The sleeps of one set of parameters. */
export class SuspendModel {
  readonly #params: HostSuspendParams;
  readonly #clocks: KvmclockArithmetic;
  readonly #asleep: bigint;

  constructor(params: HostSuspendParams, axes: Readonly<Record<string, string>>) {
    this.#params = params;
    this.#clocks = new KvmclockArithmetic({
      hostKhz: params.hostKhz,
      guestKhz: params.guestKhz,
      fractionBits: BigInt(params.fracBits),
      guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
    });
    this.#asleep = tscAtSleep(params);
  }

  of(tsc: TscInSleep): PredictedSuspend {
    const clocks = this.#clocks;
    const asleep = this.#asleep;
    const { resetTo, sleep } = this.#params;
    const awake = this.#cycles(this.#params.reference);
    const counted = tsc === "counts" ? this.#cycles(sleep) : 0n;
    const lost = tsc === "resets" ? asleep - resetTo : 0n;
    const given = clocks.guestCycles(lost);
    // The host's clock knows of the sleep from its persistent clock, whatever its TSC says.
    const hostOnWaking = clocks.rawNs(asleep) + sleep;
    const hostAtReference = clocks.rawNs(asleep + awake) + sleep;
    const guestOnWaking = tsc === "resets" ? hostOnWaking : clocks.guestNs(asleep + counted);
    const guestAtReference =
      tsc === "resets" ? hostOnWaking + clocks.guestNs(awake) : clocks.guestNs(asleep + counted + awake);
    return {
      tscGain: clocks.guestCycles(asleep + counted - lost) + given - clocks.guestCycles(asleep),
      clockGain: guestOnWaking - clocks.guestNs(asleep),
      step: hostAtReference - guestAtReference,
      off: hostAtReference - ((asleep + awake) * NS_PER_MS) / this.#params.hostKhz - sleep,
      lost,
      given,
    };
  }

  /** The most a clock that was renewed some time after waking can have run off by the new reference. */
  renewedStep(): bigint {
    const awake = this.#cycles(this.#params.reference);
    return this.#clocks.rawNs(awake) - this.#clocks.guestNs(awake);
  }

  /** What KVM expects a write of the TSC to be after one that began anew: its clock now, in guest cycles from 0. */
  expectedWrite(): bigint {
    const ns = this.#clocks.rawNs(this.#asleep) + this.#params.sleep;
    const { mul, shift } = cyclesPerNs(this.#params.guestKhz * 1000n);
    return ((shift < 0n ? ns >> -shift : ns << shift) * mul) >> 32n;
  }

  /** How far a guest's TSC is off where a write was taken for one in step: it is given the offset of before the sleep. */
  thrownBack(distance: bigint): bigint {
    return this.#clocks.guestCycles(this.#params.resetTo) - this.expectedWrite() - distance;
  }

  #cycles(ns: bigint): bigint {
    return (ns * this.#params.hostKhz) / NS_PER_MS;
  }
}

/** docs/model/pvclock §4, for cycles out of nanoseconds: a power of two and a 32-bit fraction. */
function cyclesPerNs(hz: bigint): { readonly mul: bigint; readonly shift: bigint } {
  let [cycles, ns, shift] = [hz, NS_PER_S, 0n];
  for (; ns > 2n * cycles; ns >>= 1n) shift -= 1n;
  for (; ns <= cycles || cycles >= WORD; shift += 1n) {
    if (cycles >= WORD || ns >= WORD / 2n) cycles >>= 1n;
    else ns <<= 1n;
  }
  return { mul: (cycles << 32n) / ns, shift };
}
