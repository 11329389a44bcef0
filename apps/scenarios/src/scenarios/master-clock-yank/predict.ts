/**
 * What docs/model/pvclock §3.2 and §7 say an event does to a guest's clock of that age, from the parameters alone: which of
 * three linear clocks it goes over to.
 */
import { KvmclockArithmetic } from "../kvmclock-arithmetic.js";
import type { MasterClockYankParams } from "./params.js";

const NS_PER_MS = 1_000_000n;

/** New references the event takes. */
export function predictReferences(
  { cause, vcpus }: Pick<MasterClockYankParams, "cause" | "vcpus">,
  axes: Readonly<Record<string, string>>,
): bigint {
  if (cause === "set-clock") return 1n;
  if (cause === "hotplug") return axes.vcpuAddRefresh === "always" ? 1n : 0n;
  if (cause === "xen-map" && axes.xenMapYank === "none") return 0n;
  return axes.masterClockRequests === "once" ? 1n : vcpus;
}

/** How the guest's clock jumps. */
export function predictJumpNs(params: MasterClockYankParams, axes: Readonly<Record<string, string>>): bigint {
  if (predictReferences(params, axes) === 0n) return 0n;
  const { hostKhz, guestKhz, fracBits, age, cause } = params;
  const clocks = new KvmclockArithmetic({
    hostKhz,
    guestKhz,
    fractionBits: BigInt(fracBits),
    guestRate: axes.guestKhz === "hz" ? "Hz" : "kHz",
  });
  const cycles = (age * hostKhz) / NS_PER_MS;
  const guestNs = clocks.guestNs(cycles);
  if (cause !== "set-clock") return clocks.rawNs(cycles) - guestNs;
  return axes.getClock === "via-guest-tsc" ? 0n : clocks.reckonedNs(cycles) - guestNs;
}
