import {
  checkArray,
  checkInteger,
  checkObject,
  checkOneOf,
  checkS32,
  checkU32,
  parseS64,
  parseU64,
} from "../argument-checks.js";
import type { TimekeeperCore, TimekeeperWarning } from "./core.js";
import type { TimekeeperClocksource } from "./setup.js";
import type { TimekeeperState } from "./timekeeper-types.js";

const FN = "Timekeeper.fromState";
const NSEC_PER_SEC = 1_000_000_000;
const WARNINGS: readonly TimekeeperWarning[] = ["mult-beyond-maxadj", "mult-wrap"];

/** The core's part of a saved state. */
export type CoreState = Omit<TimekeeperState, "suspended" | "ntp">;

/** Writes the core as plain JSON. What follows from the clocksource and from the rest is left out. */
export function coreState(core: TimekeeperCore): CoreState {
  const { mask, mult, shift, maxadj, maxCycles, maxRawDelta, vclockMode = "tsc" } = core.clocksource;
  return {
    hz: core.hz,
    cyclesToNs: core.form,
    clocksource: {
      mask: String(mask),
      mult,
      shift,
      maxadj,
      maxCycles: String(maxCycles),
      maxRawDelta: String(maxRawDelta),
      vclockMode,
    },
    cycleLast: String(core.cycleLast),
    mult: core.mult,
    xtimeNsec: String(core.xtimeNsec),
    xtimeSec: String(core.xtimeSec),
    rawNsec: String(core.rawNsec),
    rawSec: String(core.rawSec),
    ntpTick: String(core.ntpTick),
    ntpError: String(core.ntpError),
    ntpErrMult: core.ntpErrMult,
    skipSecondOverflow: core.skipSecondOverflow,
    wallToMonotonic: {
      sec: String(core.wallToMonotonic.sec),
      nsec: Number(core.wallToMonotonic.nsec),
    },
    offsBootNs: String(core.offsBoot),
    taiOffsetSec: core.taiOffsetSec,
    clockWasSetSeq: core.clockWasSetSeq,
    warned: [...core.warned],
  };
}

/** The saved clocksource; its members are checked where it is taken over. */
export function savedClocksource(state: TimekeeperState): TimekeeperClocksource {
  checkObject(FN, "state", state);
  checkObject(FN, "clocksource", state.clocksource);
  const { mask, maxCycles, maxRawDelta, ...rest } = state.clocksource;
  return {
    ...rest,
    mask: parseU64(FN, "mask", mask),
    maxCycles: parseU64(FN, "maxCycles", maxCycles),
    maxRawDelta: parseU64(FN, "maxRawDelta", maxRawDelta),
  };
}

/** Puts the saved fields into a core that runs on the saved clocksource. */
export function restoreCore(core: TimekeeperCore, state: TimekeeperState): void {
  checkU32(FN, "mult", state.mult);
  checkInteger(FN, "ntpErrMult", state.ntpErrMult, 0, 1);
  checkOneOf(FN, "skipSecondOverflow", String(state.skipSecondOverflow), ["true", "false"]);
  checkObject(FN, "wallToMonotonic", state.wallToMonotonic);
  checkInteger(FN, "wallToMonotonic.nsec", state.wallToMonotonic.nsec, 0, NSEC_PER_SEC - 1);
  checkS32(FN, "taiOffsetSec", state.taiOffsetSec);
  checkU32(FN, "clockWasSetSeq", state.clockWasSetSeq);
  checkArray(FN, "warned", state.warned);
  for (const kind of state.warned) checkOneOf(FN, "warned", kind, WARNINGS);

  core.cycleLast = parseU64(FN, "cycleLast", state.cycleLast);
  core.mult = state.mult;
  core.xtimeInterval = core.cycleInterval * BigInt(state.mult);
  core.xtimeNsec = parseU64(FN, "xtimeNsec", state.xtimeNsec);
  core.xtimeSec = parseS64(FN, "xtimeSec", state.xtimeSec);
  core.rawNsec = parseU64(FN, "rawNsec", state.rawNsec);
  core.rawSec = parseS64(FN, "rawSec", state.rawSec);
  core.ntpTick = parseU64(FN, "ntpTick", state.ntpTick);
  core.ntpError = parseS64(FN, "ntpError", state.ntpError);
  core.ntpErrMult = state.ntpErrMult;
  core.skipSecondOverflow = state.skipSecondOverflow;
  core.setTaiOffset(state.taiOffsetSec);
  core.setWallToMonotonic({
    sec: parseS64(FN, "wallToMonotonic.sec", state.wallToMonotonic.sec),
    nsec: BigInt(state.wallToMonotonic.nsec),
  });
  core.offsBoot = parseS64(FN, "offsBootNs", state.offsBootNs);
  core.clockWasSetSeq = state.clockWasSetSeq;
  for (const kind of state.warned) core.warned.add(kind);
}
