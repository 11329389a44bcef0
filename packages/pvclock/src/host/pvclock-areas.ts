/**
 * The places in guest memory where one vCPU's clock is published, written one after the other from one cached structure:
 * kvmclock's own (the SYSTEM_TIME MSR), Xen's `vcpu_info.time`, Xen's secondary `vcpu_time_info`.
 *
 * Source: `arch/x86/kvm/x86.c:kvm_guest_time_update`, `kvm_setup_guest_pvclock`; docs/model/pvclock §1.4.
 */

import { VCPU_TIME_INFO_SIZE, type VcpuTimeInfo } from "../abi/vcpu-time-info.js";
import { type TimeInfoUpdate, writeVcpuTimeInfo } from "../abi/write-time-info.js";
import { parseU64 } from "../argument-checks.js";
import type { PvclockBehaviours } from "./behaviours.js";
import type { GuestMemory } from "./guest-memory.js";

/** The areas of a vCPU in the order in which they are written. */
export const PVCLOCK_AREAS = ["kvmclock", "xen-vcpu-info", "xen-time-info"] as const;

/** One of {@link PVCLOCK_AREAS}. */
export type PvclockArea = (typeof PVCLOCK_AREAS)[number];

/** Guest-physical address of each area, decimal; null where inactive. */
export type PvclockAreasState = Readonly<Record<PvclockArea, string | null>>;

/** How areas are written. */
export interface PublishRules {
  readonly memory: GuestMemory;
  readonly stoppedFlag: PvclockBehaviours["stoppedFlag"];
  /** Clears bit 0 in Xen's areas (`KVM_XEN_HVM_CONFIG_PVCLOCK_TSC_UNSTABLE`). */
  readonly hideTscStableFromXen: boolean;
}

/** What publishing left behind. */
export interface Published {
  /** The cached structure: the last area's version, and the flags that leaked into it. */
  readonly cached: VcpuTimeInfo;
  /** Whether GUEST_STOPPED is still to be raised. */
  readonly guestStopped: boolean;
  /** Active areas that were not mapped, and not written. */
  readonly dropped: readonly PvclockArea[];
}

const PAGE_SIZE = 4096n;

/** Whether `length` bytes at `address` lie in one page, as every area must. */
export function fitsPage(address: bigint, length: number): boolean {
  return (address % PAGE_SIZE) + BigInt(length) <= PAGE_SIZE;
}

/** Addresses of a vCPU's areas, and the writing of them. */
export class PvclockAreas {
  readonly #addresses: Map<PvclockArea, bigint> = new Map();

  /** Where `area` is, or undefined while it is inactive. */
  address(area: PvclockArea): bigint | undefined {
    return this.#addresses.get(area);
  }

  /** Puts an area at an address where it crosses no page. */
  activate(area: PvclockArea, address: bigint): void {
    this.#addresses.set(area, address);
  }

  deactivate(area: PvclockArea): void {
    this.#addresses.delete(area);
  }

  /** Writes every active area that is mapped. `version` is what the cached structure has if none is. */
  publish(update: TimeInfoUpdate, version: number, guestStopped: boolean, rules: PublishRules): Published {
    const { memory, stoppedFlag, hideTscStableFromXen } = rules;
    let cached: VcpuTimeInfo = { ...update, version };
    let stopped = guestStopped;
    const dropped: PvclockArea[] = [];
    for (const area of PVCLOCK_AREAS) {
      const address = this.#addresses.get(area);
      if (address === undefined) continue;
      const bytes = memory.map(address, VCPU_TIME_INFO_SIZE);
      if (bytes === undefined) {
        dropped.push(area);
        continue;
      }
      const isXen = area !== "kvmclock";
      const raises = stopped && (stoppedFlag === "bleeds" || !isXen);
      const written = writeVcpuTimeInfo(
        bytes,
        { ...update, flags: cached.flags },
        { guestStopped: raises, hideTscStable: isXen && hideTscStableFromXen },
      );
      // One structure for all areas: a flag merged from one area went into the next until each had a copy of its own.
      cached = stoppedFlag === "bleeds" ? written : { ...written, flags: update.flags };
      if (raises) stopped = false;
    }
    return { cached, guestStopped: stopped, dropped };
  }

  state(): PvclockAreasState {
    const text = (area: PvclockArea): string | null => this.#addresses.get(area)?.toString() ?? null;
    return {
      kvmclock: text("kvmclock"),
      "xen-vcpu-info": text("xen-vcpu-info"),
      "xen-time-info": text("xen-time-info"),
    };
  }

  restore(state: PvclockAreasState): void {
    for (const area of PVCLOCK_AREAS) {
      const text = state[area];
      if (text === null) continue;
      const address = parseU64("VmKvmclock.fromState", area, text);
      this.#addresses.set(area, address);
    }
  }
}
