/**
 * What docs/model/clocksource-tsc §5 and §6 say of a guest whose TSC the hardware does not scale, and of writes of IA32_TSC,
 * from the parameters alone.
 */
import { KvmclockArithmetic, type PvScale, scaled } from "../kvmclock-arithmetic.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";

const U32 = 2n ** 32n;
const NS_PER_S = 1_000_000_000n;
const PPB = 1_000_000_000n;
const HZ_PER_KHZ = 1_000n;
const MILLION = 1_000_000n;
const TOLERANCE_PPM = 250n;
/** How far a host's clock is off its TSC at most: half a unit of a multiplier, at 8 GHz. */
const HOST_CLOCK_PPB = 500n;

/** What KVM makes of a guest's frequency on hardware that does not scale. */
export type RunsUnscaled = "−EINVAL" | "catch-up" | "unscaled";

export function runsUnscaled(hostKhz: bigint, guestKhz: bigint): RunsUnscaled {
  const low = (hostKhz * (MILLION - TOLERANCE_PPM)) / MILLION;
  const high = (hostKhz * (MILLION + TOLERANCE_PPM)) / MILLION;
  if (guestKhz >= low && guestKhz <= high) return "unscaled";
  return guestKhz > hostKhz ? "catch-up" : "−EINVAL";
}

/** What the TSC gains on its frequency in `ns`, up to an exit, cycles: software moved it on to then, or not at all. */
export function tscGain(
  hostKhz: bigint,
  ns: bigint,
  caughtUpTo: "now" | "reference",
  params: LiveMigrationParams,
): bigint {
  const { guestKhz } = params;
  const counted = machineCycles(ns, hostKhz);
  const isMovedOn = caughtUpTo === "now" && runsUnscaled(hostKhz, guestKhz) === "catch-up";
  const passed = isMovedOn ? scaled(hostClockNs(counted, hostKhz, params), cycleScale(guestKhz)) : counted;
  return passed - cyclesIn(ns, guestKhz);
}

/** What the clock gains on true time in `ns`, ns: by the host's own scale, or anchored anew at every exit by the host's clock. */
export function clockGainNs(
  hostKhz: bigint,
  ns: bigint,
  masterClock: "on" | "off",
  params: LiveMigrationParams,
): bigint {
  const counted = machineCycles(ns, hostKhz);
  if (masterClock === "off") return hostClockNs(counted, hostKhz, params) - ns;
  return unscaledHost(hostKhz).reckonedNs(counted) - ns;
}

/** Whether a value so many cycles off is within a second, edges excluded. */
export function isWithinSecond(off: bigint, { guestKhz }: Pick<LiveMigrationParams, "guestKhz">): boolean {
  const second = guestKhz * HZ_PER_KHZ;
  return -second < off && off < second;
}

/** By how much two clocks of the same time can part in `ns`: the host's own, and one whose rate lost a kHz of the guest's. */
export function rateToleranceNs(ns: bigint, { guestKhz }: Pick<LiveMigrationParams, "guestKhz">): bigint {
  return (2n * ns * (HOST_CLOCK_PPB + PPB / guestKhz)) / PPB;
}

/** Cycles of true time to the nearest: what the machine lets pass. */
export function machineCycles(ns: bigint, khz: bigint): bigint {
  return (ns * khz * 2n + MILLION) / (2n * MILLION);
}

/** What the host's clock behind kvmclock advances in so many cycles from the restoring on. */
function hostClockNs(cycles: bigint, hostKhz: bigint, { prepared }: LiveMigrationParams): bigint {
  const before = cyclesIn(prepared, hostKhz);
  const host = unscaledHost(hostKhz);
  return host.rawNs(before + cycles) - host.rawNs(before);
}

function unscaledHost(hostKhz: bigint): KvmclockArithmetic {
  return new KvmclockArithmetic({ hostKhz, guestKhz: hostKhz, fractionBits: 48n, guestRate: "kHz" });
}

/** From nanoseconds to cycles of the guest, as KVM converts them: floored to 32 bits. */
function cycleScale(khz: bigint): PvScale {
  let [base, wanted, shift] = [NS_PER_S, khz * HZ_PER_KHZ, 0n];
  for (; base <= wanted || wanted >= U32; shift++) {
    if (wanted >= U32 || base >= U32 / 2n) wanted >>= 1n;
    else base <<= 1n;
  }
  return { mul: (wanted << 32n) / base, shift };
}
