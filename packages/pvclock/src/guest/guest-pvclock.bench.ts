import { guestTsc } from "@chronovisor/clocksource";
import { bench, describe } from "vitest";
import {
  decodeVcpuTimeInfo,
  encodeVcpuTimeInfo,
  GuestPvclock,
  type VcpuTimeInfo,
  writeVcpuTimeInfo,
} from "../index.js";

/** Per iteration 1000 calls: a mean of 0.5 ms is 500 ns per call. */
const LENGTH = 1000;
const INFO: VcpuTimeInfo = {
  version: 2,
  tscTimestamp: 9_000_000_000_000n,
  systemTime: 3_600_000_000_000n,
  tscToSystemMul: 3435975211,
  tscShift: -1,
  flags: 1,
};
const area = encodeVcpuTimeInfo(INFO);
const guest = new GuestPvclock();
const now = guestTsc(9_000_001_000_000n);
const rdtsc = () => now;

describe("a guest's clock out of its memory", () => {
  bench("GuestPvclock.read", () => {
    for (let i = 0; i < LENGTH; i++) guest.read(area, rdtsc);
  });

  bench("decodeVcpuTimeInfo alone", () => {
    for (let i = 0; i < LENGTH; i++) decodeVcpuTimeInfo(area);
  });

  bench("writeVcpuTimeInfo", () => {
    for (let i = 0; i < LENGTH; i++) writeVcpuTimeInfo(area, INFO);
  });
});
