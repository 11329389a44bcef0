import {
  adjustTscKhz,
  DivideError,
  hostTsc,
  nestedTscOffset,
  nestedTscRatio,
  ScaledTsc,
  scaleTsc,
  type TscFractionBits,
  tscToleranceKhz,
  VcpuTsc,
} from "@chronovisor/clocksource";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, maybeNum, num, oneOf } from "../row-fields.js";

/** The rows of `tsc/`: frequency, ratio and offset of a guest's counter, one row per case, no state. */
export const tscReplays: readonly Replay[] = [
  stateless("scale_tsc", (row) =>
    compare(
      { result: big(row, "result") },
      { result: scaleTsc(big(row, "tsc"), big(row, "ratio"), fractionBits(row)) },
    ),
  ),
  stateless("adjust_tsc_khz", (row) =>
    compare({ result: num(row, "result") }, { result: adjustTscKhz(num(row, "khz"), num(row, "ppm")) }),
  ),
  stateless("set_tsc_khz", setTscKhz),
  stateless("l1_offset", (row) => {
    const tsc = scaledTsc(row);
    const now = hostTsc(big(row, "host_tsc"));
    const offset = tsc.offsetFor(big(row, "target_tsc"), now);
    tsc.writeL1Offset(offset);
    return compare(
      {
        offset: big(row, "offset"),
        offset_signed: big(row, "offset_signed"),
        read_at: big(row, "read_at"),
        read_later: big(row, "read_later"),
      },
      {
        offset,
        offset_signed: BigInt.asIntN(64, offset),
        read_at: tsc.readL1(now),
        read_later: tsc.readL1(hostTsc(big(row, "host_tsc_later"))),
      },
    );
  }),
  stateless("nsec_to_cycles", (row) => {
    const tsc = new VcpuTsc({ hostTscKhz: num(row, "khz"), vendor: "vmx" });
    return compare(
      { mult: num(row, "mult"), shift: num(row, "shift"), cycles: big(row, "cycles") },
      { mult: tsc.virtualTscMult, shift: tsc.virtualTscShift, cycles: tsc.nsToCycles(big(row, "nsec")) },
    );
  }),
  stateless("nested", (row) => {
    const bits = fractionBits(row);
    const l2Ratio = big(row, "l2_multiplier");
    const offset = nestedTscOffset(unsigned(row, "l1_offset"), unsigned(row, "l2_offset"), l2Ratio, bits);
    return compare(
      { nested_offset: big(row, "nested_offset"), nested_multiplier: big(row, "nested_multiplier") },
      {
        nested_offset: BigInt.asIntN(64, offset),
        nested_multiplier: nestedTscRatio(big(row, "l1_multiplier"), l2Ratio, bits),
      },
    );
  }),
  stateless("adjust_host", (row) => {
    const tsc = scaledTsc(row);
    tsc.writeL1Offset(unsigned(row, "l1_offset_before"));
    tsc.writeNsScale({ mul: num(row, "virtual_tsc_mult"), shift: num(row, "virtual_tsc_shift") });
    tsc.adjustHost(big(row, "host_adjustment"));
    const start = { ns: big(row, "this_tsc_nsec"), write: big(row, "this_tsc_write") };
    return compare(
      {
        l1_offset_after: big(row, "l1_offset_after"),
        compute_guest_tsc: big(row, "compute_guest_tsc"),
      },
      {
        l1_offset_after: BigInt.asIntN(64, tsc.l1Offset),
        compute_guest_tsc: tsc.computeGuestTsc(start, unsigned(row, "kernel_ns")),
      },
    );
  }),
];

function stateless(file: string, judge: JudgeRow): Replay {
  return { area: "tsc", file, create: () => judge };
}

/** A vCPU whose frequency was never set, then set once. */
function setTscKhz(row: Row): Mismatch | undefined {
  const [hostTscKhz, tolerancePpm] = [num(row, "host_khz"), num(row, "tolerance_ppm")];
  let programmed = 0n;
  const tsc = new VcpuTsc({
    hostTscKhz,
    tolerancePpm,
    userTscKhz: 0,
    vendor: fractionBits(row) === 48 ? "vmx" : "svm",
    hasTscScaling: bool(row, "has_tsc_control"),
    events: {
      onRatioWritten: (_vcpu, ratio) => {
        programmed = ratio;
      },
    },
  });
  programmed = 0n;
  const window = tscToleranceKhz(hostTscKhz, tolerancePpm);
  const ret = unlessDivideError(() => tsc.setTscKhz(num(row, "user_khz")));
  const expected = {
    thresh_lo: num(row, "thresh_lo"),
    thresh_hi: num(row, "thresh_hi"),
    ret: maybeNum(row, "ret"),
  };
  const got = { thresh_lo: window.low, thresh_hi: window.high, ret };
  // A trap leaves nothing to look at; the row then says only that it trapped.
  if (row.divide_error !== undefined) {
    return compare(
      { ...expected, trapped: bool(row, "divide_error") },
      { ...got, trapped: ret === undefined },
    );
  }
  return compare(
    {
      ...expected,
      ratio: big(row, "ratio"),
      virtual_tsc_khz: num(row, "virtual_tsc_khz"),
      virtual_tsc_mult: num(row, "virtual_tsc_mult"),
      virtual_tsc_shift: num(row, "virtual_tsc_shift"),
      tsc_catchup: num(row, "tsc_catchup"),
      tsc_always_catchup: num(row, "tsc_always_catchup"),
    },
    {
      ...got,
      ratio: programmed,
      virtual_tsc_khz: tsc.virtualTscKhz,
      virtual_tsc_mult: tsc.virtualTscMult,
      virtual_tsc_shift: tsc.virtualTscShift,
      tsc_catchup: tsc.catchup ? 1 : 0,
      tsc_always_catchup: tsc.alwaysCatchup ? 1 : 0,
    },
  );
}

function scaledTsc(row: Row): ScaledTsc {
  const tsc = new ScaledTsc(oneOf(row, "vendor", ["vmx", "svm"]), 0n);
  tsc.writeL1Ratio(big(row, "ratio"));
  return tsc;
}

function fractionBits(row: Row): TscFractionBits {
  const bits = num(row, "frac_bits");
  if (bits === 48 || bits === 32) return bits;
  throw new MalformedRow("frac_bits", "48 or 32", bits);
}

/** A signed column as the u64 the packages take it in. */
function unsigned(row: Row, column: string): bigint {
  return BigInt.asUintN(64, big(row, column));
}

function unlessDivideError<T>(divide: () => T): T | undefined {
  try {
    return divide();
  } catch (error) {
    if (error instanceof DivideError) return undefined;
    throw error;
  }
}
