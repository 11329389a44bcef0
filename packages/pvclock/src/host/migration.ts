/**
 * The TSC offset a vCPU is given on the host it moves to, so that its counter goes on as if it had kept running: from a pair
 * of guest time and host TSC on each host.
 *
 *     documented   ofs_src − (guest_src − guest_dst)·f + (tsc_src − tsc_dst)
 *     correct      scale_src(tsc_src) + ofs_src + (guest_dst − guest_src)·f − scale_dst(tsc_dst)
 *
 * The documented one forgets that a scaled guest's counter runs at neither host's rate: a guest of 2.5 GHz moving from 2.9 to
 * 3.1 GHz lands 13 584 s ahead after an hour. With both ratios 1.0 the two are the same.
 *
 * Source: `Documentation/virt/kvm/devices/vcpu.rst` (KVM_VCPU_TSC_OFFSET); docs/model/pvclock §8.1.
 */

import { scaleTsc, type VcpuTscView } from "@chronovisor/clocksource";
import { checkObject, checkU32, checkU64 } from "../argument-checks.js";

const U = BigInt.asUintN;
/** ns · kHz to cycles. */
const NS_KHZ_PER_CYCLE = 1_000_000n;

/** Guest time and host TSC of one instant, as `KVM_GET_CLOCK` gives them. */
export interface ClockPair {
  /** ns, u64 (`clock`). */
  readonly guestNs: bigint;
  /** Host TSC, u64 (`host_tsc`). */
  readonly hostTsc: bigint;
}

/** What both formulas are computed from. */
export interface TscMigration {
  /** The offset on the source, u64 bit pattern (`KVM_VCPU_TSC_OFFSET`). */
  readonly sourceOffset: bigint;
  readonly source: ClockPair;
  readonly destination: ClockPair;
  /** The guest's frequency, kHz, u32 (`KVM_GET_TSC_KHZ`). */
  readonly guestKhz: number;
}

/** The ratio of one host's counter to the guest's, as its hardware has it (`KVM_VCPU_TSC_SCALE`, proposed). */
export type TscRatioOf = Pick<VcpuTscView, "l1Ratio" | "fractionBits">;

/**
 * The offset by the documented procedure, which leaves out scaling.
 *
 * @param migration - see {@link TscMigration}.
 * @returns the destination's offset, u64 bit pattern, WRAPPED. Elapsed time is turned into cycles towards zero, which loses
 * less than one.
 * @throws TypeError or RangeError for a member outside its width.
 * Source: `Documentation/virt/kvm/devices/vcpu.rst`; docs/model/pvclock §8.1.
 * @example
 * const source = { guestNs: 1_000_000_000n, hostTsc: 5_000n };
 * const destination = { guestNs: 1_500_000_000n, hostTsc: 9_000n };
 * documentedTscOffset({ sourceOffset: 100n, source, destination, guestKhz: 2_000_000 }) // => 999996100n
 */
export function documentedTscOffset(migration: TscMigration): bigint {
  checkMigration("documentedTscOffset", migration);
  const { sourceOffset, source, destination } = migration;
  return U(64, sourceOffset + elapsedCycles(migration) + source.hostTsc - destination.hostTsc);
}

/**
 * The offset that continues the guest's counter whatever the two hosts scale by.
 *
 * @param migration - see {@link TscMigration}.
 * @param sourceRatio - of the vCPU on the source.
 * @param destinationRatio - of the vCPU on the destination.
 * @returns the destination's offset, u64 bit pattern, WRAPPED. Elapsed time is turned into cycles towards zero, which loses
 * less than one.
 * @throws TypeError or RangeError for a member outside its width.
 * Source: docs/model/pvclock §8.1.
 * @example
 * const source = { guestNs: 0n, hostTsc: 3_000_000_000n };
 * const destination = { guestNs: 500_000_000n, hostTsc: 0n };
 * const migration = { sourceOffset: 0n, source, destination, guestKhz: 1_500_000 };
 * const [half, one] = [{ l1Ratio: 2n ** 47n, fractionBits: 48 }, { l1Ratio: 2n ** 48n, fractionBits: 48 }] as const;
 * scaledTscOffset(migration, half, one) // => 2250000000n
 */
export function scaledTscOffset(
  migration: TscMigration,
  sourceRatio: TscRatioOf,
  destinationRatio: TscRatioOf,
): bigint {
  const fn = "scaledTscOffset";
  checkMigration(fn, migration);
  checkObject(fn, "sourceRatio", sourceRatio);
  checkObject(fn, "destinationRatio", destinationRatio);
  const { sourceOffset, source, destination } = migration;
  const [from, to] = [scaled(source.hostTsc, sourceRatio), scaled(destination.hostTsc, destinationRatio)];
  return U(64, from + sourceOffset + elapsedCycles(migration) - to);
}

function scaled(tsc: bigint, { l1Ratio, fractionBits }: TscRatioOf): bigint {
  return scaleTsc(tsc, l1Ratio, fractionBits);
}

/** Guest time between the two pairs in guest cycles; negative when the destination's is earlier. */
function elapsedCycles({ source, destination, guestKhz }: TscMigration): bigint {
  return ((destination.guestNs - source.guestNs) * BigInt(guestKhz)) / NS_KHZ_PER_CYCLE;
}

function checkMigration(fn: string, migration: TscMigration): void {
  checkObject(fn, "migration", migration);
  checkU64(fn, "sourceOffset", migration.sourceOffset);
  checkPair(fn, "source", migration.source);
  checkPair(fn, "destination", migration.destination);
  checkU32(fn, "guestKhz", migration.guestKhz);
}

function checkPair(fn: string, name: string, pair: ClockPair): void {
  checkObject(fn, name, pair);
  checkU64(fn, `${name}.guestNs`, pair.guestNs);
  checkU64(fn, `${name}.hostTsc`, pair.hostTsc);
}
