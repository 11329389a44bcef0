/** A vCPU's saved state, read back: every number checked for its width. */

import type { TimeScale } from "@chronovisor/clocksource";
import { checkTimeInfo, type VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import {
  checkBoolean,
  checkInteger,
  checkObject,
  checkOneOf,
  checkU32,
  parseU64,
} from "../argument-checks.js";
import type { VcpuKvmclockState } from "./kvmclock-types.js";
import { KVMCLOCK_REQUESTS } from "./vcpu-requests.js";

const FN = "VmKvmclock.fromState";

/** What of a saved vCPU is not a string as it stands. */
export interface RestoredVcpu {
  readonly hz: bigint;
  readonly scale: TimeScale;
  readonly cached: VcpuTimeInfo;
  readonly systemTimeMsr: bigint;
}

/** A cached structure as plain JSON. */
export function savedInfo(info: VcpuTimeInfo): VcpuKvmclockState["cached"] {
  return { ...info, tscTimestamp: String(info.tscTimestamp), systemTime: String(info.systemTime) };
}

/** Reads the numbers of a saved vCPU; throws TypeError or RangeError for one that is none of its width. */
export function restoreVcpu(state: VcpuKvmclockState): RestoredVcpu {
  checkObject(FN, "vcpu", state);
  checkObject(FN, "scale", state.scale);
  checkU32(FN, "scale.mul", state.scale.mul);
  checkInteger(FN, "scale.shift", state.scale.shift, -128, 127);
  checkBoolean(FN, "guestStopped", state.guestStopped);
  for (const request of state.requests) checkOneOf(FN, "requests", request, KVMCLOCK_REQUESTS);
  checkObject(FN, "cached", state.cached);
  const cached = {
    ...state.cached,
    tscTimestamp: parseU64(FN, "tscTimestamp", state.cached.tscTimestamp),
    systemTime: parseU64(FN, "systemTime", state.cached.systemTime),
  };
  checkTimeInfo(FN, cached);
  return {
    hz: parseU64(FN, "hz", state.hz),
    scale: { ...state.scale },
    cached,
    systemTimeMsr: parseU64(FN, "systemTimeMsr", state.systemTimeMsr),
  };
}
