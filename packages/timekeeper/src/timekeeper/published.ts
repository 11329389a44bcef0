/** What the timekeeper shows of itself to those who read or copy it. */

import type { ClockCopy, KvmClockCopy } from "@chronovisor/clocksource";
import type { TimekeeperCore } from "./core.js";
import type { ClockBase, ClockBases } from "./read-clocks.js";

/** Distances of the other clocks from CLOCK_MONOTONIC; the shape of hrtimer's `ClockOffsets`. */
export interface TimekeeperOffsets {
  /** Changes whenever one of the offsets changed, u32 (`clock_was_set_seq`). */
  readonly sequence: number;
  /** CLOCK_REALTIME − CLOCK_MONOTONIC, ns, s64. */
  readonly realtimeNs: bigint;
  /** CLOCK_BOOTTIME − CLOCK_MONOTONIC, ns, s64. */
  readonly boottimeNs: bigint;
  /** CLOCK_TAI − CLOCK_MONOTONIC, ns, s64. */
  readonly taiNs: bigint;
}

export function offsetsOf(core: TimekeeperCore): TimekeeperOffsets {
  return {
    sequence: core.clockWasSetSeq,
    realtimeNs: core.offsReal,
    boottimeNs: core.offsBoot,
    taiNs: core.offsTai,
  };
}

export function basesOf(core: TimekeeperCore): ClockBases {
  const { mask, shift, maxCycles, mult: rawMult } = core.clocksource;
  return {
    cycleLast: core.cycleLast,
    mask,
    shift,
    maxCycles,
    mono: { mult: core.mult, xtimeNsec: core.xtimeNsec, baseNs: core.monoBaseNs },
    raw: { mult: rawMult, xtimeNsec: core.rawNsec, baseNs: core.rawBaseNs },
    offsRealNs: core.offsReal,
    offsBootNs: core.offsBoot,
    taiOffsetSec: core.taiOffsetSec,
  };
}

/** KVM's `pvclock_gtod_data`, as `update_pvclock_gtod` fills it (docs/model/clocksource-tsc §3.4). */
export function copyOf(core: TimekeeperCore): KvmClockCopy {
  const { cycleLast, mask, shift, mono, raw, offsBootNs } = basesOf(core);
  const vclockMode = core.clocksource.vclockMode ?? "tsc";
  const clock = ({ mult, xtimeNsec, baseNs }: ClockBase): ClockCopy => ({
    vclockMode,
    cycleLast,
    mask,
    mult,
    shift,
    baseCycles: xtimeNsec,
    offset: baseNs,
  });
  return { mono: clock(mono), raw: clock(raw), offsBootNs, wallTimeSec: core.xtimeSec };
}
