import type { HostClock, VcpuTscView } from "@chronovisor/clocksource";
import { ADVANCE_GENERATIONS, type TimerAdvance } from "./advance.js";
import type { LapicTimerBehaviours } from "./behaviours.js";
import { deadlineDelayNs } from "./tsc-deadline.js";

/** How long the vCPU spins before it enters the guest: TSC cycles, or nanoseconds under TSC scaling. */
export type AdvanceWait =
  | { readonly kind: "none" }
  | { readonly kind: "cycles"; readonly cycles: bigint }
  | { readonly kind: "ns"; readonly ns: number };

/** The wait that is none. */
export const NO_WAIT: AdvanceWait = { kind: "none" };

type WaitUnit = (cyclesLeft: bigint, advanceNs: number, tsc: VcpuTscView) => AdvanceWait;

function guestCycles(cyclesLeft: bigint, advanceNs: number, tsc: VcpuTscView): AdvanceWait {
  const most = tsc.nsToCycles(BigInt(advanceNs));
  return { kind: "cycles", cycles: cyclesLeft < most ? cyclesLeft : most };
}

/** The wait's unit of each value of the `advanceWait` axis. */
export const ADVANCE_WAIT_UNITS: Readonly<Record<LapicTimerBehaviours["advanceWait"], WaitUnit>> = {
  "guest-cycles": guestCycles,
  "scaled-ns": (cyclesLeft, advanceNs, tsc) => {
    if (tsc.l1Ratio === 1n << BigInt(tsc.fractionBits)) return guestCycles(cyclesLeft, advanceNs, tsc);
    // The kernel takes the minimum of two u32, so the delay is truncated first.
    const ns = Number(BigInt.asUintN(32, deadlineDelayNs(cyclesLeft, 0n, tsc.virtualTscKhz)));
    return { kind: "ns", ns: Math.min(ns, advanceNs) };
  },
};

/**
 * Tunes the advance on how far the guest TSC is from `deadline`, and says how long to spin
 * (`__kvm_wait_lapic_expire`, docs/model/lapic §9). Reads the TSC once, and a second time when the advance was tuned
 * before the wait and the first reading was early.
 */
export function waitForDeadline(
  deadline: bigint,
  advance: TimerAdvance,
  generation: LapicTimerBehaviours["advance"],
  unit: WaitUnit,
  clock: HostClock,
  tsc: VcpuTscView,
  onTune: ((deltaCycles: bigint) => void) | undefined,
): AdvanceWait {
  const first: bigint = tsc.readL1(clock.tsc());
  const { order, tune } = ADVANCE_GENERATIONS[generation];
  const advanceBefore = advance.ns;
  let guest = first;
  if (advance.tuning) {
    const delta = BigInt.asIntN(64, first - deadline);
    tune(advance, delta, tsc.virtualTscKhz);
    onTune?.(delta);
    if (order === "tune-then-wait" && first < deadline) guest = tsc.readL1(clock.tsc());
  }
  if (guest >= deadline) return NO_WAIT;
  const advanceNs = order === "tune-then-wait" ? advance.ns : advanceBefore;
  return unit(deadline - guest, advanceNs, tsc);
}
