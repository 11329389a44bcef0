import { checkU64 } from "../arguments.js";
import type { GuestArea } from "./guest-area.js";
import type { SharedInfoLayout } from "./shared-info-layout.js";

const NSEC_PER_SEC = 1_000_000_000n;

/** A wall clock as the guest finds it: when its clock was 0. */
export interface XenWallClock {
  /** Seqcount of the 12 bytes: odd while they are being written. */
  readonly version: number;
  /** Whole seconds since 1970, u64: the two halves put together. */
  readonly sec: bigint;
  /** 0 … 999 999 999. */
  readonly nsec: number;
}

/**
 * Writes the wall clock into the shared page: version odd, nanoseconds, both halves of the seconds, version even. The
 * version goes on from what the guest's memory holds, so an odd one there stays odd until the last step.
 *
 * @param page - the mapped page.
 * @param layout - the layout in force.
 * @param epochNs - CLOCK_REALTIME at which the guest's clock was 0, u64; a negative difference has wrapped.
 * @throws RangeError or TypeError for an epoch that is no u64.
 * Source: `xen.c:kvm_xen_shared_info_init`; docs/model/xen-timer §8.
 * @example
 * const page = new GuestArea("shared_info", 4096);
 * page.activate(new Uint8Array(4096));
 * writeXenWallClock(page, SHARED_INFO_LAYOUTS["64-bit"], 4_294_967_297_000_000_005n);
 * readXenWallClock(page, SHARED_INFO_LAYOUTS["64-bit"]) // => { version: 2, sec: 4294967297n, nsec: 5 }
 */
export function writeXenWallClock(page: GuestArea, layout: SharedInfoLayout, epochNs: bigint): void {
  checkU64("writeXenWallClock", "epochNs", epochNs);
  const at = layout.wallClock;
  // u32: the count wraps, as the kernel's does.
  const odd = ((page.readU32(at) + 1) | 1) >>> 0;
  page.writeU32(at, odd);
  const sec = epochNs / NSEC_PER_SEC;
  page.writeU32(at + 8, Number(epochNs % NSEC_PER_SEC));
  page.writeU32(at + 4, Number(BigInt.asUintN(32, sec)));
  page.writeU32(layout.wallClockSecHi, Number(sec >> 32n));
  page.writeU32(at, odd + 1);
}

/**
 * The wall clock in the shared page, as a guest that knows the high half of the seconds reads it.
 *
 * @param page - the mapped page.
 * @param layout - the layout in force.
 * @example
 * const page = new GuestArea("shared_info", 4096);
 * page.activate(new Uint8Array(4096));
 * readXenWallClock(page, SHARED_INFO_LAYOUTS["32-bit"]) // => { version: 0, sec: 0n, nsec: 0 }
 */
export function readXenWallClock(page: GuestArea, layout: SharedInfoLayout): XenWallClock {
  const at = layout.wallClock;
  return {
    version: page.readU32(at),
    sec: (BigInt(page.readU32(layout.wallClockSecHi)) << 32n) | BigInt(page.readU32(at + 4)),
    nsec: page.readU32(at + 8),
  };
}
