import { getTimeScale, guestTsc, kvmclockNs, type TimeScale } from "@chronovisor/clocksource";
import {
  decodeVcpuTimeInfo,
  MSR_KVM_SYSTEM_TIME_NEW,
  PVCLOCK_TSC_STABLE_BIT,
  readCycles,
  retractTscStable,
  type VcpuTimeInfo,
  writePvMsr,
  writeVcpuTimeInfo,
} from "@chronovisor/pvclock";
import { hexBytes, toHex } from "../hex-bytes.js";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, bool, compare, list, MalformedRow, num, object } from "../row-fields.js";

const GHZ = 1_000_000_000n;
const HZ_PER_KHZ = 1000n;
/** The recorder never set CPUID, and nothing enforces it. */
const ALL_ACCEPTED = { eax: 0, enforced: false };

/** KVM_GET_CLOCK in master-clock mode: stable, realtime valid, host TSC valid. */
const GET_CLOCK_FLAGS = 14;

/** The rows of `live-kvm/pvclock`: what a running kernel left in the guest's memory, and what its clock then read. */
export const livePvclockReplays: readonly Replay[] = [{ area: "live-kvm", file: "pvclock", create }];

/** The rate a host gives a guest whose TSC is its own. */
function scaleOf(row: Row): TimeScale {
  return getTimeScale(GHZ, BigInt(num(row, "tsc_khz")) * HZ_PER_KHZ);
}

/** A reference outlives a row: only a SET_CLOCK makes a new one, so it is kept per VM. */
function create(): JudgeRow {
  const references = new Map<number, VcpuTimeInfo>();
  return (row) => {
    const after = decodeVcpuTimeInfo(hexBytes(object(row, "after"), "bytes"));
    const previous = references.get(num(row, "vm"));
    references.set(num(row, "vm"), after);
    return (
      judgeColumns(row) ?? judgeArea(row, after) ?? judgeReference(row, previous) ?? judgePairs(row, after)
    );
  };
}

/** The fields that the file spells out are those of the bytes. */
function judgeColumns(row: Row): Mismatch | undefined {
  for (const column of ["before", "after_msr_write", "after"]) {
    const area = object(row, column);
    const mismatch = compare(
      {
        version: num(area, "version"),
        tscTimestamp: big(area, "tsc_timestamp"),
        systemTime: big(area, "system_time"),
        tscToSystemMul: num(area, "mul"),
        tscShift: num(area, "shift"),
        flags: num(area, "flags"),
      },
      { ...decodeVcpuTimeInfo(hexBytes(area, "bytes")) },
    );
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

/** The MSR write, and the two updates it and the run make of the bytes that were there. */
function judgeArea(row: Row, after: VcpuTimeInfo): Mismatch | undefined {
  const write = writePvMsr(ALL_ACCEPTED, MSR_KVM_SYSTEM_TIME_NEW, big(row, "msr_written"));
  const stored = write.result === "stored" ? write : undefined;
  const area = hexBytes(object(row, "before"), "bytes");
  retractTscStable(area);
  const afterMsrWrite = toHex(area);
  const scale = scaleOf(row);
  const { tscTimestamp, systemTime } = after;
  writeVcpuTimeInfo(
    area,
    {
      tscTimestamp,
      systemTime,
      tscToSystemMul: scale.mul,
      tscShift: scale.shift,
      flags: PVCLOCK_TSC_STABLE_BIT,
    },
    { guestStopped: bool(row, "clock_ctrl") },
  );
  return compare(
    {
      msr_accepted: bool(row, "msr_accepted"),
      msr_readback: big(row, "msr_readback"),
      gpa: num(row, "gpa"),
      page_same_until_run: bool(row, "page_same_until_run"),
      after_msr_write: toHex(hexBytes(object(row, "after_msr_write"), "bytes")),
      after: toHex(hexBytes(object(row, "after"), "bytes")),
    },
    {
      msr_accepted: stored !== undefined,
      msr_readback: stored?.value,
      gpa: stored?.areaGpa,
      page_same_until_run: true,
      after_msr_write: afterMsrWrite,
      after: toHex(area),
    },
  );
}

/**
 * Where the reference lies. SET_CLOCK puts it at the set value, somewhere between the two stamps. The first run of a vCPU
 * (`seq` 0) then moves it on, so the set value has advanced by what passed since. Without SET_CLOCK it stays.
 */
function judgeReference(row: Row, previous: VcpuTimeInfo | undefined): Mismatch | undefined {
  const after = object(row, "after");
  const [tscTimestamp, systemTime] = [big(after, "tsc_timestamp"), big(after, "system_time")];
  if (row.set_clock === undefined) throw new MalformedRow("set_clock", "an object or null", row.set_clock);
  if (row.set_clock === null) {
    const kept = previous ?? { tscTimestamp, systemTime };
    return compare(
      { tsc_timestamp: tscTimestamp, system_time: systemTime },
      { tsc_timestamp: kept.tscTimestamp, system_time: kept.systemTime },
    );
  }
  const set = object(row, "set_clock");
  const clock = kvmclockNs(big(set, "clock"));
  const [first, last] = [big(set, "host_tsc_before"), big(set, "host_tsc_after")];
  if (num(row, "seq") !== 0) {
    return compare(
      { system_time: systemTime, is_between_stamps: true },
      { system_time: clock, is_between_stamps: first <= tscTimestamp && tscTimestamp <= last },
    );
  }
  const { mul: tscToSystemMul, shift: tscShift } = scaleOf(row);
  const advanced = (from: bigint) =>
    readCycles({ tscTimestamp: from, systemTime: clock, tscToSystemMul, tscShift }, guestTsc(tscTimestamp));
  return compare(
    { has_advanced: true },
    { has_advanced: advanced(last) <= systemTime && systemTime <= advanced(first) },
  );
}

/** Every KVM_GET_CLOCK agrees with the page to the nanosecond: the guest's TSC is the host's here. */
function judgePairs(row: Row, after: VcpuTimeInfo): Mismatch | undefined {
  const pairs = list(row, "pairs").map((pair) => object({ pairs: pair }, "pairs"));
  return compare(
    { flags: pairs.map((pair) => num(pair, "flags")), clocks: pairs.map((pair) => big(pair, "clock")) },
    {
      flags: pairs.map(() => GET_CLOCK_FLAGS),
      clocks: pairs.map((pair) => readCycles(after, guestTsc(big(pair, "host_tsc")))),
    },
  );
}
