/**
 * How a Linux guest sets up kvm-clock: which MSRs it uses, which flags it trusts, how it rates the clock.
 *
 * As a clocksource kvm-clock counts nanoseconds: 1 GHz, 64 bits wide.
 *
 * Source: `arch/x86/kernel/kvmclock.c:kvmclock_init`; docs/model/pvclock §1.3, §1.5.
 */

import {
  KVM_FEATURE_CLOCKSOURCE,
  KVM_FEATURE_CLOCKSOURCE_STABLE_BIT,
  KVM_FEATURE_CLOCKSOURCE2,
  MSR_KVM_SYSTEM_TIME,
  MSR_KVM_SYSTEM_TIME_NEW,
  MSR_KVM_WALL_CLOCK,
  MSR_KVM_WALL_CLOCK_NEW,
} from "../abi/msrs.js";
import { PVCLOCK_TSC_STABLE_BIT } from "../abi/vcpu-time-info.js";
import { checkBoolean, checkObject, checkU32 } from "../argument-checks.js";

/** A good kvm-clock's rating, above the TSC's 300. */
const RATING = 400;
/** Below the TSC's: the guest should use that. */
const RATING_BELOW_TSC = 299;

/** What a guest makes of the features it was offered. */
export interface KvmclockSetup {
  /** The MSR for the wall clock's address. */
  readonly wallClockMsr: number;
  /** The MSR for each vCPU's system time. */
  readonly systemTimeMsr: number;
  /** For {@link GuestPvclock}. */
  readonly trustedFlags: number;
}

/** What a guest knows of its TSC, from CPUID and its own checks. */
export interface GuestTscQuality {
  /** CONSTANT_TSC: one rate in every P-state. */
  readonly constant: boolean;
  /** NONSTOP_TSC: it counts in every C-state. */
  readonly nonstop: boolean;
  /** The guest marked its TSC unstable. */
  readonly unstable: boolean;
}

/**
 * The MSRs and flags a guest uses: the new pair of MSRs if offered, the old pair otherwise.
 *
 * @param features - EAX of leaf {@link KVM_CPUID_FEATURES}, u32.
 * @returns undefined without either pair: there is no kvm-clock.
 * @throws TypeError or RangeError unless `features` is a u32.
 * Source: `kvmclock.c:kvmclock_init`; docs/model/pvclock §1.3.
 * @example
 * chooseKvmclock(0x01000009) // => { wallClockMsr: 1263947008, systemTimeMsr: 1263947009, trustedFlags: 1 }
 * chooseKvmclock(1) // => { wallClockMsr: 17, systemTimeMsr: 18, trustedFlags: 0 }
 * chooseKvmclock(0) // => undefined
 */
export function chooseKvmclock(features: number): KvmclockSetup | undefined {
  checkU32("chooseKvmclock", "features", features);
  const has = (feature: number) => ((features >>> feature) & 1) === 1;
  const trustedFlags = has(KVM_FEATURE_CLOCKSOURCE_STABLE_BIT) ? PVCLOCK_TSC_STABLE_BIT : 0;
  if (has(KVM_FEATURE_CLOCKSOURCE2)) {
    return { wallClockMsr: MSR_KVM_WALL_CLOCK_NEW, systemTimeMsr: MSR_KVM_SYSTEM_TIME_NEW, trustedFlags };
  }
  if (has(KVM_FEATURE_CLOCKSOURCE)) {
    return { wallClockMsr: MSR_KVM_WALL_CLOCK, systemTimeMsr: MSR_KVM_SYSTEM_TIME, trustedFlags };
  }
  return undefined;
}

/**
 * How a guest rates kvm-clock against its other clocksources: 299, below the TSC, when the TSC is good for everything.
 *
 * @param tsc - what the guest knows of its TSC.
 * @returns 400 or 299.
 * @throws TypeError unless each member is true or false.
 * Source: `kvmclock.c:kvmclock_init`; docs/model/pvclock §1.5.
 * @example
 * kvmclockRating({ constant: true, nonstop: true, unstable: false }) // => 299
 * kvmclockRating({ constant: true, nonstop: true, unstable: true }) // => 400
 */
export function kvmclockRating(tsc: GuestTscQuality): number {
  checkObject("kvmclockRating", "tsc", tsc);
  checkBoolean("kvmclockRating", "constant", tsc.constant);
  checkBoolean("kvmclockRating", "nonstop", tsc.nonstop);
  checkBoolean("kvmclockRating", "unstable", tsc.unstable);
  return tsc.constant && tsc.nonstop && !tsc.unstable ? RATING_BELOW_TSC : RATING;
}
