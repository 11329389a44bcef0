import { type GuestTsc, type HostTsc, scaleTsc, type VcpuTsc } from "@chronovisor/clocksource";
import {
  decodeVcpuTimeInfo,
  type PvclockReference,
  readCycles,
  VCPU_TIME_INFO_SIZE,
  type VcpuKvmclock,
} from "@chronovisor/pvclock";
import type { FlatMemory } from "../guest/guest-memory.js";
import type { ReferenceTime, ReferenceTimeLine } from "./reference-time.js";

const NS_PER_MS = 1_000_000n;

/** What clocks read, ns, by name; the same names in the same order throughout a run. */
export type ClockReadings = ReadonlyArray<readonly [name: string, ns: bigint]>;

/** A guest's counter, as far as its readings go. */
export type TracedCounter = Pick<VcpuTsc, "l1Offset" | "l1Ratio" | "fractionBits" | "virtualTscKhz">;

/** What one vCPU's clocks are read from. */
export interface TracedClocks {
  readonly id: number;
  readonly counter: TracedCounter;
  /** Where its VM has kvmclock, with the memory that is published in. */
  readonly pvclock?: { readonly clock: VcpuKvmclock; readonly memory: FlatMemory };
  /** Where its VM has Hyper-V's reference time. */
  readonly referenceTime?: ReferenceTime;
}

/** By what they are read: taken at one instant, it tells what they would have gone on to read. */
interface Line {
  readonly offset: bigint;
  readonly ratio: bigint;
  readonly khz: number;
  readonly kvmclock: PvclockReference | undefined;
  readonly xen: PvclockReference | undefined;
  readonly referenceTime: ReferenceTimeLine | undefined;
}

/** A counter as nanoseconds by its nominal frequency, rounded towards zero; 0 for a counter without one. */
export function nominalNs(tsc: bigint, khz: number): bigint {
  return khz === 0 ? 0n : (tsc * NS_PER_MS) / BigInt(khz);
}

/**
 * The clocks of one vCPU's guest: its TSC; kvmclock as KVM has it; Xen's clock, out of the guest's memory, where the guest has an area for
 * it when it is first read; Hyper-V's reference time.
 */
export class VcpuClockReadings {
  readonly #clocks: TracedClocks;
  readonly #xen: "has area" | "has none";
  #line: Line;

  constructor(clocks: TracedClocks) {
    this.#clocks = clocks;
    this.#xen = this.#xenArea() === undefined ? "has none" : "has area";
    this.#line = this.#lineNow();
  }

  /** From now on they are read by what they are set to now. */
  settle(): void {
    this.#line = this.#lineNow();
  }

  /** What they read at `now`, by what they were set to when they last settled. */
  at(now: HostTsc): ClockReadings {
    const { id, counter } = this.#clocks;
    const { offset, ratio, khz, kvmclock, xen, referenceTime } = this.#line;
    const tsc = BigInt.asUintN(64, scaleTsc(now, ratio, counter.fractionBits) + offset) as GuestTsc;
    const readings: [string, bigint][] = [[`guest_tsc.vcpu${id}`, nominalNs(BigInt.asIntN(64, tsc), khz)]];
    if (kvmclock !== undefined) readings.push([`kvmclock.vcpu${id}`, readCycles(kvmclock, tsc)]);
    if (this.#xen === "has area")
      readings.push([`xen.vcpu${id}`, xen === undefined ? 0n : readCycles(xen, tsc)]);
    if (referenceTime !== undefined) readings.push([`hv_ref.vcpu${id}`, referenceTime(tsc, now)]);
    return readings;
  }

  #lineNow(): Line {
    const { counter, pvclock, referenceTime } = this.#clocks;
    const { l1Offset: offset, l1Ratio: ratio, virtualTscKhz: khz } = counter;
    const area = this.#xen === "has area" ? this.#xenArea() : undefined;
    return {
      offset,
      ratio,
      khz,
      kvmclock: pvclock?.clock.cached,
      xen: area === undefined ? undefined : decodeVcpuTimeInfo(area),
      referenceTime: referenceTime?.line(),
    };
  }

  /** Where the guest finds Xen's clock. */
  #xenArea(): Uint8Array | undefined {
    if (this.#clocks.pvclock === undefined) return undefined;
    const { clock, memory } = this.#clocks.pvclock;
    const address = clock.areaAddress("xen-vcpu-info") ?? clock.areaAddress("xen-time-info");
    return address === undefined ? undefined : memory.map(address, VCPU_TIME_INFO_SIZE);
  }
}
