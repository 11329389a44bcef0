/**
 * What `KVM_GET_CLOCK` returns and `KVM_SET_CLOCK` takes (`struct kvm_clock_data`; docs/model/pvclock §7).
 */

import type { HostTsc, KvmclockNs } from "@chronovisor/clocksource";
import { checkObject, checkU32, checkU64 } from "../argument-checks.js";

/** GET: the VM runs on a master clock. SET: accepted, ignored. */
export const KVM_CLOCK_TSC_STABLE: number = 1 << 1;
/** GET: `realtime` belongs to the reading. SET: add what CLOCK_REALTIME advanced since. */
export const KVM_CLOCK_REALTIME: number = 1 << 2;
/** GET: `hostTsc` belongs to the reading. SET: accepted, ignored. */
export const KVM_CLOCK_HOST_TSC: number = 1 << 3;

const VALID_FLAGS = KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC;

/** A reading of a VM's clock by its host. */
export interface KvmClockData {
  /** Guest time, ns, u64. */
  readonly clock: KvmclockNs;
  /** u32. */
  readonly flags: number;
  /** CLOCK_REALTIME at the reading, ns since 1970, u64; 0 without {@link KVM_CLOCK_REALTIME}. */
  readonly realtime: bigint;
  /**
   * Host TSC at the reading. Without {@link KVM_CLOCK_HOST_TSC} it is 0, or under a master clock the sample that was taken
   * when time and TSC could not be read together.
   */
  readonly hostTsc: HostTsc;
}

/** What `KVM_SET_CLOCK` looks at. */
export interface KvmClockSetting {
  /** Guest time to set, ns, u64. */
  readonly clock: bigint;
  /** u32; unknown bits are refused. Default 0. */
  readonly flags?: number;
  /** CLOCK_REALTIME that `clock` belongs to, ns since 1970, u64; read with {@link KVM_CLOCK_REALTIME} only. Default 0. */
  readonly realtime?: bigint;
}

/** The setting with its defaults, its widths checked; undefined when its flags are refused (−EINVAL). */
export function readSetting(fn: string, setting: KvmClockSetting): Required<KvmClockSetting> | undefined {
  checkObject(fn, "setting", setting);
  const { clock, flags = 0, realtime = 0n } = setting;
  checkU64(fn, "clock", clock);
  checkU32(fn, "flags", flags);
  checkU64(fn, "realtime", realtime);
  return (flags & ~VALID_FLAGS) === 0 ? { clock, flags, realtime } : undefined;
}
