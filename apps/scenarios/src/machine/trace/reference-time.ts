import {
  type GuestTsc,
  getTimeScale,
  type HostTsc,
  mulU64U64Shr,
  pvScale,
  scaleTsc,
} from "@chronovisor/clocksource";
import { decodeReferenceTscPage, guestClockHz, REFERENCE_TSC_PAGE_SIZE } from "@chronovisor/pvclock";
import type { TracedVm } from "./traced-machine.js";

const U = BigInt.asUintN;
const NS_PER_UNIT = 100n;
const NS_PER_S = 1_000_000_000n;
const HZ_PER_KHZ = 1_000n;
/** Of the page's MSR. */
const ENABLED = 1n;
const PAGE_MASK: bigint = 2n ** 64n - 4096n;

/** Reference time as it goes on from the instant it was looked at, ns in steps of 100: at a vCPU's TSC, which is at `host` then. */
export type ReferenceTimeLine = (tsc: GuestTsc, host: HostTsc) => bigint;

/**
 * Hyper-V's reference time, as its guest has it: by the page that it named and KVM wrote; else by the counter, which KVM makes of its own
 * reading of the VM's clock. Looked at, not asked: a guest's read of the counter would be an exit.
 */
export class ReferenceTime {
  readonly #vm: TracedVm;

  constructor(vm: TracedVm) {
    this.#vm = vm;
  }

  /** How it goes on from now, whatever is set then. */
  line(): ReferenceTimeLine {
    const { hypervPage, memory } = this.#vm;
    const isNamed = (hypervPage.msr & ENABLED) !== 0n;
    const bytes = isNamed ? memory.map(hypervPage.msr & PAGE_MASK, REFERENCE_TSC_PAGE_SIZE) : undefined;
    const page = bytes === undefined ? undefined : decodeReferenceTscPage(bytes);
    if (page === undefined || page.sequence === 0) return this.#counterLine();
    const { scale, offset } = page;
    return (tsc) => U(64, mulU64U64Shr(tsc, scale, 64) + offset) * NS_PER_UNIT;
  }

  #counterLine(): ReferenceTimeLine {
    const { clock } = this.#vm;
    const { kvmclockOffset } = clock;
    const { useMasterClock, hostTsc, kernelNs } = clock.reference;
    const khz = this.#vm.kvm.tscKhz();
    const inUnits = (ns: bigint): bigint => U(64, ns) - (U(64, ns) % NS_PER_UNIT);
    if (!useMasterClock || khz === 0) return () => inUnits(clock.baseNs() + kvmclockOffset);
    const elapsed = this.#elapsed(khz);
    return (_, host) => inUnits(kernelNs + kvmclockOffset + elapsed(hostTsc, host));
  }

  /** ns between two instants of the host's TSC, as KVM reckons them. */
  #elapsed(khz: number): (from: HostTsc, to: HostTsc) => bigint {
    const { behaviours } = this.#vm.clock;
    const [first] = this.#vm.counters.vcpus;
    if (behaviours.getClock === "direct" || first === undefined) {
      const { mul, shift } = getTimeScale(NS_PER_S, BigInt(khz) * HZ_PER_KHZ);
      return (from, to) => pvScale(U(64, to - from), mul, shift);
    }
    const { mul, shift } = getTimeScale(NS_PER_S, guestClockHz(khz, first, behaviours.guestKhz));
    const { l1Ratio, fractionBits } = first;
    const guest = (tsc: HostTsc): bigint => scaleTsc(tsc, l1Ratio, fractionBits);
    return (from, to) => pvScale(U(64, guest(to) - guest(from)), mul, shift);
  }
}
