/** A VM's saved state, read back: every number checked for its width. */

import { hostTsc } from "@chronovisor/clocksource";
import { checkArray, checkBoolean, parseS64, parseU64 } from "../argument-checks.js";
import type { VmKvmclockOptions, VmKvmclockState } from "./kvmclock-types.js";
import type { MasterClockNumbers } from "./master-clock.js";

const FN = "VmKvmclock.fromState";

type SavedMasterClock = Pick<
  VmKvmclockState,
  | "useMasterClock"
  | "isTscStable"
  | "masterCycleNow"
  | "masterKernelNs"
  | "kvmclockOffset"
  | "bootVcpuRunsOldKvmclock"
>;

/** What of a saved VM is not a string as it stands. */
export interface RestoredVm {
  readonly options: Required<Pick<VmKvmclockOptions, "behaviours" | "hideTscStableFromXen">>;
  readonly master: MasterClockNumbers;
  readonly wallClockMsr: bigint;
}

/** The master clock's numbers as plain JSON. */
export function savedMasterClock(numbers: MasterClockNumbers): SavedMasterClock {
  const { useMasterClock, isTscStable, bootVcpuRunsOldKvmclock } = numbers;
  return {
    useMasterClock,
    isTscStable,
    masterCycleNow: String(numbers.hostTsc),
    masterKernelNs: String(numbers.kernelNs),
    kvmclockOffset: String(numbers.kvmclockOffset),
    bootVcpuRunsOldKvmclock,
  };
}

/** Reads the numbers of a saved VM; throws TypeError or RangeError for one that is none of its width. */
export function restoreVm(state: VmKvmclockState): RestoredVm {
  const { behaviours, hideTscStableFromXen, useMasterClock, isTscStable, bootVcpuRunsOldKvmclock } = state;
  checkBoolean(FN, "useMasterClock", useMasterClock);
  checkBoolean(FN, "isTscStable", isTscStable);
  checkBoolean(FN, "bootVcpuRunsOldKvmclock", bootVcpuRunsOldKvmclock);
  checkBoolean(FN, "globalUpdateQueued", state.globalUpdateQueued);
  checkArray(FN, "vcpus", state.vcpus);
  return {
    options: { behaviours, hideTscStableFromXen },
    master: {
      useMasterClock,
      isTscStable,
      hostTsc: hostTsc(parseU64(FN, "masterCycleNow", state.masterCycleNow)),
      kernelNs: parseU64(FN, "masterKernelNs", state.masterKernelNs),
      kvmclockOffset: parseS64(FN, "kvmclockOffset", state.kvmclockOffset),
      bootVcpuRunsOldKvmclock,
    },
    wallClockMsr: parseU64(FN, "wallClockMsr", state.wallClockMsr),
  };
}
