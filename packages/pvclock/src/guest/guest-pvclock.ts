/**
 * A guest kernel's pvclock: what all its vCPUs share, and how each read uses it.
 *
 * Without a flag it may trust, a guest keeps the largest value any vCPU returned and never returns less: time stands still
 * instead of going back. The comparison and the store are one atomic exchange, retried when another vCPU came first.
 *
 * Source: `arch/x86/kernel/pvclock.c`; docs/model/pvclock §1.5.
 */

import type { KvmclockNs } from "@chronovisor/clocksource";
import {
  FLAGS,
  PVCLOCK_GUEST_STOPPED,
  PVCLOCK_TSC_STABLE_BIT,
  VCPU_TIME_INFO_SIZE,
} from "../abi/vcpu-time-info.js";
import { WALL_CLOCK_SIZE } from "../abi/wall-clock.js";
import { checkFunction, checkInteger, checkObject, parseU64, viewOf } from "../argument-checks.js";
import { type GuestLoad, runAttempts } from "./guest-load.js";
import { wallClockLoads } from "./read-sequenced.js";
import { type ReadTsc, type TimeInfoReading, timeInfoLoads } from "./read-time-info.js";

const U = BigInt.asUintN;
const NSEC_PER_SEC = 10n ** 9n;

/** What a guest's pvclock tells its surroundings. */
export interface GuestPvclockEvents {
  /** GUEST_STOPPED was seen and cleared: every watchdog is touched. */
  onWatchdogsTouched(): void;
}

/** How a guest sets up its pvclock. */
export interface GuestPvclockOptions {
  /**
   * The flags this guest trusts (`pvclock_set_flags`), u8: {@link PVCLOCK_TSC_STABLE_BIT} if CPUID has
   * {@link KVM_FEATURE_CLOCKSOURCE_STABLE_BIT}, 0 otherwise (default).
   */
  readonly trustedFlags?: number;
  /** Nothing is told unless given. */
  readonly events?: Partial<GuestPvclockEvents>;
}

/** Wall time as `timespec64`. */
export interface WallTime {
  /** Seconds since 1970. */
  readonly sec: bigint;
  /** 0 … 999 999 999. */
  readonly nsec: number;
}

/** A {@link GuestPvclock} as plain JSON; u64 are decimal strings. */
export interface GuestPvclockState {
  readonly trustedFlags: number;
  readonly last: string;
}

/** A step of a clock read: a load of the structure, or one of the clamp's. */
export type ClockStep = GuestLoad | { readonly load: "last" };

type TimeInfoLoads = Generator<GuestLoad, TimeInfoReading, void>;

/**
 * One guest kernel's pvclock over any number of vCPUs.
 *
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const update = { tscTimestamp: 0n, systemTime: 100n, tscToSystemMul: 2 ** 31, tscShift: 0, flags: 0 };
 * const [vcpu0, vcpu1] = [new Uint8Array(32), new Uint8Array(32)];
 * writeVcpuTimeInfo(vcpu0, update);
 * writeVcpuTimeInfo(vcpu1, { ...update, systemTime: 60n });
 * const guest = new GuestPvclock();
 * guest.read(vcpu0, () => guestTsc(10n)) // => 105n
 * guest.read(vcpu1, () => guestTsc(20n)) // => 105n
 * guest.read(vcpu1, () => guestTsc(120n)) // => 120n
 */
export class GuestPvclock {
  readonly #trustedFlags: number;
  readonly #events: Partial<GuestPvclockEvents>;
  #last = 0n;

  /**
   * Boots: nothing read yet.
   *
   * @param options - trusted flags and events.
   * @throws TypeError or RangeError for an option outside its domain.
   */
  constructor(options: GuestPvclockOptions = {}) {
    checkObject("GuestPvclock", "options", options);
    const { trustedFlags = 0, events = {} } = options;
    checkInteger("GuestPvclock", "trustedFlags", trustedFlags, 0, 255);
    checkObject("GuestPvclock", "events", events);
    this.#trustedFlags = trustedFlags;
    this.#events = events;
  }

  /** The largest value returned through the clamp, u64 (`last_value`). */
  get last(): KvmclockNs {
    return this.#last as KvmclockNs;
  }

  /**
   * The clocksource's read: the formula, then the clamp unless bit 0 is set and trusted. GUEST_STOPPED is left alone.
   *
   * @param area - the vCPU's `vcpu_time_info`, at least 32 bytes.
   * @param rdtsc - reads that vCPU's TSC.
   * @returns nanoseconds; undefined if the version stays odd, where a guest would spin.
   * @throws TypeError or RangeError for an area too short or a TSC that is no u64.
   * Source: `pvclock.c:pvclock_clocksource_read_nowd`.
   */
  read(area: ArrayBufferView, rdtsc: ReadTsc): KvmclockNs | undefined {
    return this.#clamp(runAttempts(loadsOf("GuestPvclock.read", area, rdtsc)));
  }

  /**
   * {@link read}, pausing after every load of the structure and after the load of the shared last value, so that the host
   * and other vCPUs can be let in. Another vCPU that stores a last value meanwhile makes the exchange fail and start over.
   *
   * @param area - the vCPU's `vcpu_time_info`, at least 32 bytes.
   * @param rdtsc - reads that vCPU's TSC.
   * @returns a generator that yields after each load and returns nanoseconds.
   * @throws TypeError or RangeError for an area too short or a TSC that is no u64.
   * Source: `pvclock.c:__pvclock_clocksource_read`.
   */
  readSteps(area: ArrayBufferView, rdtsc: ReadTsc): Generator<ClockStep, KvmclockNs, void> {
    return this.#steps(loadsOf("GuestPvclock.readSteps", area, rdtsc));
  }

  /**
   * The read of the wall-clock path: as {@link read}, but GUEST_STOPPED is consumed first, see {@link takeGuestStopped}.
   *
   * @param area - the vCPU's `vcpu_time_info`, at least 32 bytes.
   * @param rdtsc - reads that vCPU's TSC.
   * @returns nanoseconds; undefined if the version stays odd.
   * @throws TypeError or RangeError for an area too short or a TSC that is no u64.
   * Source: `pvclock.c:pvclock_clocksource_read`.
   */
  readTouchingWatchdogs(area: ArrayBufferView, rdtsc: ReadTsc): KvmclockNs | undefined {
    return this.#readWatched(area, loadsOf("GuestPvclock.readTouchingWatchdogs", area, rdtsc));
  }

  /**
   * What the soft-lockup check asks before it complains: was this guest stopped? If so the bit is cleared in the structure,
   * whose version does not change, and the watchdogs are touched. The bit counts from whatever the structure holds: nobody
   * looks at the version.
   *
   * @param area - the vCPU's `vcpu_time_info`, at least 32 bytes.
   * @returns true if the bit was set.
   * @throws TypeError or RangeError for an area too short.
   * Source: `arch/x86/kernel/kvmclock.c:kvm_check_and_clear_guest_paused`.
   */
  takeGuestStopped(area: ArrayBufferView): boolean {
    const view = viewOf("GuestPvclock.takeGuestStopped", "area", area, VCPU_TIME_INFO_SIZE);
    const flags = view.getUint8(FLAGS);
    if ((flags & PVCLOCK_GUEST_STOPPED) === 0) return false;
    view.setUint8(FLAGS, flags & ~PVCLOCK_GUEST_STOPPED);
    this.#events.onWatchdogsTouched?.();
    return true;
  }

  /**
   * The vDSO's read: bit 0 is required whatever the kernel trusts, and nothing is clamped. The vDSO gives it vCPU 0's
   * structure on every vCPU.
   *
   * @param area - vCPU 0's `vcpu_time_info`, at least 32 bytes.
   * @param rdtsc - reads the TSC of the vCPU that runs.
   * @returns nanoseconds; undefined if the caller must fall back to the system call.
   * @throws TypeError or RangeError for an area too short or a TSC that is no u64.
   * Source: `arch/x86/include/asm/vdso/gettimeofday.h:vread_pvclock`; docs/model/pvclock §1.5.
   */
  readVdso(area: ArrayBufferView, rdtsc: ReadTsc): KvmclockNs | undefined {
    const reading = runAttempts(loadsOf("GuestPvclock.readVdso", area, rdtsc));
    return reading && (reading.flags & PVCLOCK_TSC_STABLE_BIT) !== 0 ? reading.ns : undefined;
  }

  /**
   * The time of day: the wall clock's epoch plus {@link readTouchingWatchdogs}.
   *
   * @param wallClock - the VM's `pvclock_wall_clock`, at least 12 bytes.
   * @param area - the vCPU's `vcpu_time_info`, at least 32 bytes.
   * @param rdtsc - reads that vCPU's TSC.
   * @returns seconds and nanoseconds of a sum that WRAPS at 64 bits of ns; undefined if a version stays odd.
   * @throws TypeError or RangeError for an area too short or a TSC that is no u64.
   * Source: `pvclock.c:pvclock_read_wallclock`; docs/model/pvclock §1.5.
   */
  readWallTime(wallClock: ArrayBufferView, area: ArrayBufferView, rdtsc: ReadTsc): WallTime | undefined {
    const loads = loadsOf("GuestPvclock.readWallTime", area, rdtsc);
    const view = viewOf("GuestPvclock.readWallTime", "wallClock", wallClock, WALL_CLOCK_SIZE);
    const epoch = runAttempts(wallClockLoads(view));
    const ns = epoch && this.#readWatched(area, loads);
    if (epoch === undefined || ns === undefined) return undefined;
    const total = U(64, BigInt(epoch.sec) * NSEC_PER_SEC + BigInt(epoch.nsec) + ns);
    return { sec: total / NSEC_PER_SEC, nsec: Number(total % NSEC_PER_SEC) };
  }

  /** The guest resumed from its own suspend: the last value starts over at 0 (`pvclock_resume`). */
  resume(): void {
    this.#last = 0n;
  }

  /** The whole state, as plain JSON. */
  state(): GuestPvclockState {
    return { trustedFlags: this.#trustedFlags, last: String(this.#last) };
  }

  /**
   * A guest that goes on from a saved state.
   *
   * @param state - what {@link state} gave.
   * @param events - told from now on.
   * @returns a pvclock equal to the saved one.
   * @throws TypeError or RangeError for a member outside its domain.
   */
  static fromState(state: GuestPvclockState, events: Partial<GuestPvclockEvents> = {}): GuestPvclock {
    checkObject("GuestPvclock.fromState", "state", state);
    const guest = new GuestPvclock({ trustedFlags: state.trustedFlags, events });
    guest.#last = parseU64("GuestPvclock.fromState", "last", state.last);
    return guest;
  }

  *#steps(loads: TimeInfoLoads): Generator<ClockStep, KvmclockNs, void> {
    const { ns, flags } = yield* loads;
    if (this.#isTrusted(flags)) return ns;
    for (;;) {
      const last = this.#last;
      yield { load: "last" };
      if (ns <= last) return last as KvmclockNs;
      if (this.#last !== last) continue;
      this.#last = ns;
      return ns;
    }
  }

  #readWatched(area: ArrayBufferView, loads: TimeInfoLoads): KvmclockNs | undefined {
    const reading = runAttempts(loads);
    if (reading !== undefined && (reading.flags & PVCLOCK_GUEST_STOPPED) !== 0) this.takeGuestStopped(area);
    return this.#clamp(reading);
  }

  #clamp(reading: TimeInfoReading | undefined): KvmclockNs | undefined {
    if (reading === undefined) return undefined;
    if (this.#isTrusted(reading.flags)) return reading.ns;
    if (reading.ns > this.#last) this.#last = reading.ns;
    return this.#last as KvmclockNs;
  }

  #isTrusted(flags: number): boolean {
    return (this.#trustedFlags & flags & PVCLOCK_TSC_STABLE_BIT) !== 0;
  }
}

function loadsOf(fn: string, area: ArrayBufferView, rdtsc: ReadTsc): TimeInfoLoads {
  const view = viewOf(fn, "area", area, VCPU_TIME_INFO_SIZE);
  checkFunction(fn, "rdtsc", rdtsc);
  return timeInfoLoads(view, rdtsc);
}
