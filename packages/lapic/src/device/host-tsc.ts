import type { GuestTsc, VcpuTscView } from "@chronovisor/clocksource";

const U64 = 64;

/** A guest counter that is the host's, at 1 GHz: a cycle is a nanosecond. */
export const HOST_TSC_AT_1_GHZ: VcpuTscView = {
  readL1: (tsc) => BigInt.asUintN(U64, tsc) as GuestTsc,
  nsToCycles: (ns) => BigInt.asUintN(U64, ns),
  virtualTscKhz: 1_000_000,
  l1Ratio: 2n ** 48n,
  fractionBits: 48,
};
