import { PVCLOCK_TSC_STABLE_BIT } from "@chronovisor/pvclock";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { ClockPair } from "../clock-pair.js";
import type { Cause, CauseId } from "./causes.js";
import { buildLossMachine, type DueStep, exitsAfterNs } from "./machine.js";
import type { MasterClockLossParams } from "./params.js";

/** What a step did, as it was once both vCPUs had had an exit. */
export interface StepOutcome {
  readonly title: string;
  /** Whether the VM runs on a master clock. */
  readonly isOnMaster: boolean;
  /** Whether both vCPUs' clocks say that they may be compared. */
  readonly isTscStable: boolean;
  /** References taken, or tried. */
  readonly updates: bigint;
  /** How far the step moved each vCPU's clock, ns. */
  readonly jump0: bigint;
  readonly jump1: bigint;
  /** vCPU 1's clock minus vCPU 0's, ns; and before the next step. */
  readonly apart: bigint;
  readonly apartLater: bigint;
  /** vCPU 1's TSC minus vCPU 0's. */
  readonly tscApart: bigint;
  /** How far the guest holds vCPU 0's clock ahead of itself, where vCPU 1's reads more, ns. */
  readonly held: bigint;
}

/** A VM's life through one cause. */
export interface Lived {
  readonly cause: CauseId;
  readonly steps: readonly StepOutcome[];
  /** vCPU 1's clock minus vCPU 0's, from {@link leadNs} before the first step. */
  readonly apart: ReadonlyArray<readonly [ns: bigint, apartNs: bigint]>;
}

/** Points of the series from one step to the next. */
const POINTS_PER_STEP = 50n;

/** How long before the first step the series begins. */
function leadNs({ age, dwell }: MasterClockLossParams): bigint {
  const fifth = dwell / 5n;
  return age < fifth ? age : fifth;
}

/** From a step to its outcome, by when both vCPUs had an exit that nobody asked for; and from a look before it to the step. */
export function settleNs(params: MasterClockLossParams): bigint {
  return exitsAfterNs(2, params);
}

/** When the steps of a cause are. */
export function dueSteps(cause: Cause, params: MasterClockLossParams): readonly DueStep[] {
  return cause.steps(params).map((step, i) => ({ step, ns: params.age + params.dwell * BigInt(i) }));
}

/**
 * Lets a VM live up to a cause and through its steps.
 *
 * @param passed - hears how far true time has come, ns.
 * @param openTrace - opens the machine's trace.
 */
export function liveThrough(
  cause: Cause,
  params: MasterClockLossParams,
  axes: Readonly<Record<string, string>>,
  passed: (ns: bigint) => void,
  openTrace?: OpenTrace,
): Lived {
  const steps = dueSteps(cause, params);
  const { host, vm, guest } = buildLossMachine(params, axes, steps, {
    openTrace,
    laterVcpus: cause.id === "hotplug" ? 1 : 0,
  });
  const clocks = new ClockPair(host, vm);
  let updates = 0n;
  vm.onMasterClockUpdate = () => {
    updates += 1n;
  };
  const begins = params.age - leadNs(params);
  const points: [bigint, bigint][] = [];
  const runTo = (ns: bigint): void => {
    host.engine.runUntil(host.tscAt(ns));
    passed(ns);
  };
  const watch = (fromNs: bigint, toNs: bigint): void => {
    for (let i = 0n; i <= POINTS_PER_STEP; i++) {
      const ns = fromNs + ((toNs - fromNs) * i) / POINTS_PER_STEP;
      runTo(ns);
      points.push([ns - begins, clocks.apartNs()]);
    }
  };
  const settling = settleNs(params);
  watch(begins, params.age - settling);
  const outcomes = steps.map(({ step, ns }): StepOutcome => {
    const before = { 0: clocks.stand(0), 1: clocks.stand(1) };
    updates = 0n;
    runTo(ns + settling);
    const outcome = {
      title: step.title,
      isOnMaster: vm.clock.reference.useMasterClock,
      isTscStable: [0, 1].every((id) => (guest.published(id).flags & PVCLOCK_TSC_STABLE_BIT) !== 0),
      updates,
      jump0: clocks.movedNs(before[0]),
      jump1: clocks.movedNs(before[1]),
      apart: clocks.apartNs(),
      tscApart: clocks.tscApart(),
      held: clocks.heldNs(guest),
    };
    watch(ns + settling, ns + params.dwell - settling);
    return { ...outcome, apartLater: clocks.apartNs() };
  });
  return { cause: cause.id, steps: outcomes, apart: points };
}
