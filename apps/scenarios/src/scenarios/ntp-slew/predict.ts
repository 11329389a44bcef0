/**
 * What docs/model/timekeeping-ntp §6 to §8 say a wait ends in under each mitigation, worked out from the parameters alone.
 *
 * A wait of W under a clock at rate 1 + p lasts W / (1 + p): what was armed, divided by the rate of each part of the wait.
 * NTP holds a rate by dithering between two multipliers, so each figure is an interval one unit of the multiplier wide
 * (149 ppb at 2.5 GHz). The clock event device widens it: it is programmed no nearer than 1 µs, and by a multiplier of its
 * own, so that a forward slew is late by what the clock gains between the CPU's last look at it and the expiry.
 */
import { type Bounds, ClockArithmetic } from "./clock-arithmetic.js";

const NS_PER_S = 1_000_000_000n;
const PS_PER_NS = 1_000n;
/** A clock is read in whole ns; one of the slowest that adjtimex allows, ps. */
const READING_PS = 1_125n;
/** The clock event device is programmed no nearer (CLOCK_EVT min_delta_ns). */
const SHORTEST_PS = 1_000_000n;
/** An armed timer is armed again when the rate has moved by more; ppb (rateThresholdPpb of the LAPIC timer). */
const THRESHOLD_PPB = 1_000n;
/** The preemption timer counts in steps of 32 cycles, and its first one may be cut short. */
const STEP_CYCLES = 32n;

/** A wait as far as its end depends on it. */
export interface PredictedWait {
  readonly cycles: bigint;
  /** Slew when it is armed and from `changeNs` on, ppb. */
  readonly slewPpb: bigint;
  readonly laterPpb: bigint;
  readonly changeNs: bigint;
  readonly victim: "lapic" | "nested";
  readonly device: "ideal" | "real";
  readonly ticks: "yes" | "no";
  readonly waits: "spins" | "halts";
}

/** The host and the kernel on it. */
export interface PredictedHost {
  readonly khz: bigint;
  readonly hz: bigint;
  readonly axes: Readonly<Record<string, string>>;
}

/** The least and the most a wait is late by, ps: negative is early. `lost`: it never ends. */
export type Prediction = Bounds | "lost";

/** What the mitigations are told apart by, for one wait. */
interface Model {
  readonly clock: ClockArithmetic;
  readonly wait: PredictedWait;
  /** The multiplier when it is armed, and from the change on. */
  readonly mult: bigint;
  readonly laterMult: bigint;
  readonly waitPs: bigint;
  readonly changePs: bigint;
  /** L2's deadline counts from the last multiple of 32 cycles, up to 31 before it was entered. */
  readonly stepPs: bigint;
  /** The longest from the last interrupt on the vCPU's CPU to the expiry, ps: of a short wait, to the tick before it. */
  readonly gapPs: bigint;
  readonly device: "ideal" | "fixed-mult" | "coupled";
}

/** When a wait is over, or undefined where an expiry may or may not find itself early. */
export function predictWait({ khz, hz, axes }: PredictedHost, wait: PredictedWait): Prediction | undefined {
  const clock = new ClockArithmetic(khz, hz);
  const waitPs = clock.ps(wait.cycles);
  const tickPs = ((NS_PER_S / hz) * PS_PER_NS * 10n) / 9n + 2n * SHORTEST_PS;
  const model: Model = {
    clock,
    wait,
    mult: clock.slewedMult(wait.slewPpb),
    laterMult: clock.slewedMult(wait.laterPpb),
    waitPs,
    changePs: wait.changeNs * PS_PER_NS,
    stepPs: wait.victim === "nested" ? clock.ps(STEP_CYCLES) : 0n,
    gapPs: wait.ticks === "yes" ? tickPs : waitPs,
    device: wait.device === "ideal" ? "ideal" : axes.eventDevice === "coupled" ? "coupled" : "fixed-mult",
  };
  const predicted = late(model, axes);
  if (predicted === undefined || predicted === "lost") return predicted;
  return { lo: predicted.lo - waitPs, hi: predicted.hi - waitPs + model.stepPs };
}

/** When each mitigation expires, ps from the arming. */
function late(model: Model, axes: PredictedHost["axes"]): Prediction | undefined {
  switch (axes.deadlineClock) {
    case "raw":
      return onRaw(model);
    case "rate-compensated":
      return onDevice(model, compensated(model));
    case "restart-on-update":
      return onDevice(model, restarted(model));
    case "recheck-on-wake":
      return rechecked(model, onDevice(model, uncompensated(model)));
    case "mapped-each-tick":
      return mapped(model);
    case "hardware-multiplexed":
      return servedByHardware(model.wait, axes) ? byHardware(model) : onDevice(model, uncompensated(model));
    case "compensated-rechecked":
      return rechecked(model, onDevice(model, restarted(model)));
    case "recheck-without-restart":
      return lost(model, onDevice(model, uncompensated(model)));
    default:
      return onDevice(model, uncompensated(model));
  }
}

/** Whether the host's own preemption timer serves this wait under `hardware-multiplexed`. */
function servedByHardware(
  { waits, victim }: Pick<PredictedWait, "waits" | "victim">,
  { hvModes }: PredictedHost["axes"],
): boolean {
  return waits === "spins" && (victim === "nested" || hvModes !== "none");
}

/** The instant a clock armed now has gone on by `clockPs`, its multiplier changing on the way. */
function dueAt({ clock, changePs }: Model, clockPs: bigint, mult: bigint, laterMult: bigint): bigint {
  const unchanged = clock.truePs(clockPs, mult);
  if (unchanged <= changePs) return unchanged;
  return changePs + clock.truePs(clockPs - clock.clockPs(changePs, mult), laterMult);
}

/** From the fastest of the two multipliers on either side to the slowest. */
function dueBetween(model: Model, armed: Bounds): Bounds {
  const { mult, laterMult } = model;
  return {
    lo: dueAt(model, armed.lo, mult + 1n, laterMult + 1n) - READING_PS,
    hi: dueAt(model, armed.hi, mult, laterMult) + 2n * model.clock.cyclePs,
  };
}

/** M0: W / (1 + p). */
function uncompensated(model: Model): Bounds {
  const armed = model.clock.armedPs(model.wait.cycles);
  return dueBetween(model, { lo: armed, hi: armed });
}

/** A distance scaled by the rate of the moment, whichever of its two multipliers that is. */
function scaled({ clock }: Model, mult: bigint, cycles: bigint): Bounds {
  const ps = clock.armedPs(cycles);
  // The form by host cycles is free of what the clocksource's multiplier rounds; the other is not.
  const exact = clock.clockPs(clock.ps(cycles), mult);
  const byRatio = (ps * mult) / clock.rawMult;
  const unit = clock.unitOf(ps);
  return {
    lo: (exact < byRatio ? exact : byRatio) - 2n * PS_PER_NS,
    hi: (exact > byRatio ? exact : byRatio) + unit + unit / 8n,
  };
}

/** M2: as long as the rate stays what it was when the timer was armed, it cancels. */
function compensated(model: Model): Bounds {
  return dueBetween(model, scaled(model, model.mult, model.wait.cycles));
}

/** M3: armed again at the change, for what is left. */
function restarted(model: Model): Bounds {
  const { clock, wait, mult, laterMult, changePs } = model;
  const before = compensated(model);
  const moved = wait.laterPpb > wait.slewPpb ? wait.laterPpb - wait.slewPpb : wait.slewPpb - wait.laterPpb;
  if (moved === 0n || before.hi <= changePs) return before;
  const left = wait.cycles - (wait.changeNs * clock.khz) / 1_000_000n;
  const armed = scaled(model, laterMult, left);
  const after = {
    lo: changePs + clock.truePs(armed.lo, laterMult + 1n) - 2n * READING_PS,
    hi: changePs + clock.truePs(armed.hi, laterMult) + 2n * clock.cyclePs,
  };
  const surely = moved > THRESHOLD_PPB + 2n * clock.unitOf(NS_PER_S) && before.lo > changePs;
  return surely || mult === laterMult ? after : hull(before, after);
}

/** M1: an event of its own on a clock that NTP leaves alone. */
function onRaw(model: Model): Bounds {
  const { clock, wait } = model;
  const due = clock.truePs(clock.armedPs(wait.cycles), clock.rawMult);
  return { lo: due - READING_PS, hi: due + 2n * clock.cyclePs };
}

/** M5: never before RAW is there; after it, by what the rate moved since the last interrupt. */
function mapped(model: Model): Bounds {
  const { clock, wait, mult, laterMult, gapPs } = model;
  const raw = onRaw(model);
  const slowed = mult > laterMult ? clock.clockPs(2n * gapPs, mult - laterMult) : 0n;
  const remapped = wait.ticks === "yes" ? slowed : 0n;
  const hi = raw.hi + remapped + clock.unitOf(2n * gapPs) + 2n * PS_PER_NS;
  // An idle CPU is woken by what it programmed at the old rate, and maps anew then.
  const steady = wait.ticks === "yes" ? model : { ...model, laterMult: mult };
  return onDevice(steady, { lo: raw.lo, hi });
}

/** M6, in guest mode: up to a step of 32 cycles early, and one that is cut short. */
function byHardware({ clock, waitPs }: Model): Bounds {
  return { lo: waitPs - clock.ps(2n * STEP_CYCLES), hi: waitPs + clock.cyclePs };
}

/** When a timer due between `due` is really served. */
function onDevice(model: Model, due: Bounds): Bounds {
  const { clock, mult, laterMult, gapPs, device, wait, waitPs } = model;
  if (device === "ideal") return due;
  const { lo } = due;
  if (device === "coupled") {
    // Programmed at the old rate: a clock that sped up since is read past the instant.
    const gained = laterMult > mult ? clock.clockPs(gapPs, laterMult - mult) : 0n;
    return { lo, hi: due.hi + gained + clock.unitOf(gapPs) };
  }
  const fastest = (mult > laterMult ? mult : laterMult) + 1n;
  const hi = due.hi + clock.aheadPs(gapPs, fastest) + clock.deviceRoundingPs(gapPs) + SHORTEST_PS;
  // Nothing looks at the clock before the device fires, at what it was armed for by a clock that keeps true time.
  const unseen = wait.ticks === "no" && wait.slewPpb === wait.laterPpb && wait.slewPpb > 0n;
  if (!unseen) return { lo, hi };
  const deviceLo = clock.clockPs(lo, mult) - 2n * clock.deviceRoundingPs(waitPs);
  return { lo: deviceLo > lo ? deviceLo : lo, hi };
}

/** M4: what is early waits for the rest, as often as it takes; what is late stays late. */
function rechecked(model: Model, expired: Bounds): Bounds {
  const { clock, waitPs, laterMult, wait } = model;
  if (expired.lo >= waitPs) return expired;
  const left = waitPs - expired.lo;
  // A clock that runs fast is early again, by ever less; one that runs slow is late by what it makes of the rest.
  const slow = expired.lo + clock.truePs(left + clock.unitOf(left), laterMult) - waitPs;
  const end = { lo: waitPs, hi: waitPs + (slow > 0n ? slow : 0n) + READING_PS + 2n * clock.cyclePs };
  const again = onDevice({ ...model, wait: { ...wait, ticks: "yes" } }, end);
  const early = waitPs - READING_PS - clock.cyclePs;
  return {
    lo: expired.lo > early ? expired.lo : early,
    hi: expired.hi > again.hi ? expired.hi : again.hi,
  };
}

/** ARM before the fix: an early expiry is none, and no timer is left. */
function lost({ clock, waitPs, stepPs }: Model, expired: Bounds): Prediction | undefined {
  if (expired.hi + stepPs < waitPs - clock.cyclePs) return "lost";
  return expired.lo >= waitPs ? expired : undefined;
}

function hull(a: Bounds, b: Bounds): Bounds {
  return { lo: a.lo < b.lo ? a.lo : b.lo, hi: a.hi > b.hi ? a.hi : b.hi };
}
