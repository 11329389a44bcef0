import type { Drift } from "./clock-watch.js";
import { NOT_IN_GUEST } from "./delivery-watch.js";
import type { ExpiryFindings } from "./expiry-watch.js";
import type { GuestTimerKind, TimerFindings, TraceFindings, VcpuFindings } from "./findings.js";
import type { MasterClockChange } from "./master-clock-watch.js";
import type { TallySummary } from "./tally.js";
import type { VcpuName } from "./vcpu-directory.js";

/** What an expiry on another CPU led to: the vCPU was told, was left waiting for its next exit, or slept and was woken. */
export type RemoteDelivery = "kicked" | "waited" | "woken";

/** A behaviour that a log shows. */
export type Diagnosis =
  /** A timer expires on other CPUs than the vCPU runs on: the kernel does not pin it to the vCPU's. */
  | {
      readonly kind: "remote-timer";
      readonly vcpu: VcpuName;
      readonly timer: GuestTimerKind;
      readonly delivery: RemoteDelivery;
      readonly local: TallySummary;
      readonly remote: TallySummary;
      readonly story: "pinned-timer";
    }
  /** A VM lost its master clock: its vCPUs' clocks are set one by one. */
  | {
      readonly kind: "master-clock-off";
      readonly tgid: number | undefined;
      readonly change: MasterClockChange;
    }
  /** The guest's clock runs at another rate than the host's that it is set by. */
  | { readonly kind: "clock-drift"; readonly vcpu: VcpuName; readonly ppt: bigint; readonly overNs: bigint }
  /** The guest's clock jumped when it was set. */
  | { readonly kind: "clock-jumps"; readonly vcpu: VcpuName; readonly jumps: TallySummary }
  /** Xen timers are counted by the host's clock while the guest's runs at another rate: late by what it gained since it was set. */
  | {
      readonly kind: "xen-timer-pace";
      readonly vcpu: VcpuName;
      /** By how much the timers' lateness grows with the age of the clock's reference. */
      readonly ppt: bigint;
      readonly story: "xen-accuracy";
    }
  /** A guest's TSC was moved, and its kvmclock was not. */
  | { readonly kind: "tsc-moves"; readonly vcpu: VcpuName; readonly moves: TallySummary }
  /** A periodic timer that was held up, or whose target came to be in the past, ran the periods behind one after the other. */
  | {
      readonly kind: "timer-behind";
      readonly vcpu: VcpuName;
      readonly timer: GuestTimerKind;
      readonly behind: number;
      readonly worstNs: bigint;
      readonly cause: "held-up" | "while-expiring" | "unknown";
      readonly story: "long-stop" | "periodic-drift";
      /** Where the cause is unknown: the other one that looks like this. */
      readonly orStory?: "periodic-drift";
    }
  /** Callbacks that began late. */
  | {
      readonly kind: "late-expiries";
      readonly vcpu: VcpuName;
      readonly timer: GuestTimerKind;
      readonly late: number;
      readonly worstNs: bigint;
    }
  /** Ticks the guest never saw. */
  | {
      readonly kind: "lost-ticks";
      readonly vcpu: VcpuName;
      readonly timer: GuestTimerKind;
      /** Expiries that were over before the interrupt for an earlier one was delivered. */
      readonly merged: number;
      /** Periods without an expiry. */
      readonly skipped: bigint;
    }
  /** vCPUs of a VM whose TSCs have different offsets. */
  | { readonly kind: "offsets-apart"; readonly least: bigint; readonly most: bigint };

/** Rates below this are the rounding of the parameters, a part in 10^9. */
const LEAST_DRIFT_PPT = 1_000n;
/** Below a microsecond of any TSC: what brings counters in step by a cycle is no jump. */
const LEAST_MOVE_CYCLES = 1_000n;
/**
 * An IPI, an exit and an entry take some µs; what waits for the next exit is not as fast half of the time. Of the two, 65 µs
 * and as many cycles at 4 GHz.
 */
const KICK_LIMIT = { ns: 2n ** 16n, cycles: 2n ** 18n } as const;

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** What a log's findings come to, most telling first. */
export function diagnose(findings: TraceFindings): readonly Diagnosis[] {
  const { vms, vcpus, log } = findings;
  return [
    ...vms.flatMap(({ tgid, masterClock }) =>
      masterClock.changes
        .filter(({ to }) => to === "off")
        .map((change): Diagnosis => ({ kind: "master-clock-off", tgid, change })),
    ),
    ...vcpus.flatMap((vcpu) => vcpu.timers.flatMap((timer) => remoteTimer(vcpu, timer, log.unit))),
    ...vcpus.flatMap(xenPace),
    ...vcpus.flatMap((vcpu) => vcpu.timers.flatMap((timer) => punctuality(vcpu, timer))),
    ...vcpus.flatMap(clockDiagnoses),
    ...offsetsApart(vcpus),
  ];
}

function remoteTimer(
  { name }: VcpuFindings,
  { kind, delivery }: TimerFindings,
  unit: "ns" | "cycles",
): readonly Diagnosis[] {
  const { local, remote, remoteEnds } = delivery;
  if (remote.count === 0) return [];
  const asleep = remoteEnds.get(NOT_IN_GUEST) ?? 0;
  const isSlow = remote.halfBelow > KICK_LIMIT[unit];
  const outcome = asleep * 2 > remote.count ? "woken" : isSlow ? "waited" : "kicked";
  return [
    {
      kind: "remote-timer",
      vcpu: name,
      timer: kind,
      delivery: outcome,
      local,
      remote,
      story: "pinned-timer",
    },
  ];
}

function xenPace({ name, clock, xen }: VcpuFindings): readonly Diagnosis[] {
  if (clock.drift === undefined || !isDrift(clock.drift) || xen.pace === undefined) return [];
  // By the guest's clock the host's deadline would fall back by what that clock gains, and the two would cancel.
  const ppt = clock.drift.ppt + xen.pace.ppt;
  if (magnitude(ppt) * 2n < magnitude(clock.drift.ppt)) return [];
  return [{ kind: "xen-timer-pace", vcpu: name, ppt, story: "xen-accuracy" }];
}

function punctuality({ name: vcpu }: VcpuFindings, found: TimerFindings): readonly Diagnosis[] {
  const { kind: timer, delivery, expiry } = found;
  const { lateness, late, behind, skipped } = expiry;
  const { merged } = delivery;
  const diagnoses: Diagnosis[] = [];
  if (behind > 0) {
    diagnoses.push({ kind: "timer-behind", vcpu, timer, behind, worstNs: lateness.max, ...causeOf(expiry) });
  }
  if (late > behind) {
    diagnoses.push({ kind: "late-expiries", vcpu, timer, late, worstNs: lateness.max });
  }
  if (merged > 0 || skipped > 0n) diagnoses.push({ kind: "lost-ticks", vcpu, timer, merged, skipped });
  return diagnoses;
}

/** Why a timer was behind, as far as every time it fell behind says the same. */
function causeOf({
  fellBehind,
}: ExpiryFindings): Pick<Extract<Diagnosis, { kind: "timer-behind" }>, "cause" | "story" | "orStory"> {
  const { heldUp, whileExpiring, unknown } = fellBehind;
  if (unknown === 0 && whileExpiring === 0) return { cause: "held-up", story: "long-stop" };
  if (unknown === 0 && heldUp === 0) return { cause: "while-expiring", story: "periodic-drift" };
  return { cause: "unknown", story: "long-stop", orStory: "periodic-drift" };
}

function isDrift({ ppt, withinPpt }: Drift): boolean {
  return magnitude(ppt) >= LEAST_DRIFT_PPT && magnitude(ppt) > withinPpt;
}

function clockDiagnoses({ name: vcpu, clock, offset }: VcpuFindings): readonly Diagnosis[] {
  const { drift, jumps } = clock;
  const drifts = drift !== undefined && isDrift(drift);
  const moved = offset.moves.max >= LEAST_MOVE_CYCLES || offset.moves.min <= -LEAST_MOVE_CYCLES;
  const jumped = jumps.count > 0;
  return [
    ...(drifts ? [{ kind: "clock-drift", vcpu, ppt: drift.ppt, overNs: drift.overNs } as const] : []),
    ...(jumped ? [{ kind: "clock-jumps", vcpu, jumps } as const] : []),
    ...(moved ? [{ kind: "tsc-moves", vcpu, moves: offset.moves } as const] : []),
  ];
}

/** Only where every vCPU number stands once: two VMs have offsets of their own. */
function offsetsApart(vcpus: readonly VcpuFindings[]): readonly Diagnosis[] {
  if (new Set(vcpus.map(({ name }) => name.id)).size < vcpus.length) return [];
  const offsets = vcpus.flatMap(({ offset }) => (offset.current === undefined ? [] : [offset.current]));
  const [first, ...others] = offsets;
  if (first === undefined) return [];
  const least = others.reduce((a, b) => (b < a ? b : a), first);
  const most = others.reduce((a, b) => (b > a ? b : a), first);
  return least === most ? [] : [{ kind: "offsets-apart", least, most }];
}
