import { clocksourceDelta, clocksourceMask, getTimeScale, guestTsc, pvScale } from "@chronovisor/clocksource";
import { decodeVcpuTimeInfo, encodeVcpuTimeInfo, PvclockFormula, readCycles } from "@chronovisor/pvclock";
import { hexBytes, toHex } from "../hex-bytes.js";
import type { JudgeRow, Replay } from "../replay.js";
import { big, compare, num, text } from "../row-fields.js";
import { pvclockHostReplays } from "./pvclock-host.js";

const U64_MASK = clocksourceMask(64);

/** The rows of `pvclock/`, one row per case, no state: the structure and how a guest reads it, then what a host makes of it. */
export const pvclockReplays: readonly Replay[] = [
  stateless("get_time_scale", (row) => {
    const { mul, shift } = getTimeScale(big(row, "scaled_hz"), big(row, "base_hz"));
    return compare({ mult: num(row, "mult"), shift: num(row, "shift") }, { mult: mul, shift });
  }),
  stateless("scale_delta", (row) =>
    compare(
      { result: big(row, "result") },
      { result: pvScale(big(row, "delta"), num(row, "mul_frac"), num(row, "shift")) },
    ),
  ),
  stateless("read_cycles", (row) => {
    const reference = {
      tscTimestamp: big(row, "tsc_timestamp"),
      systemTime: big(row, "system_time"),
      tscToSystemMul: num(row, "tsc_to_system_mul"),
      tscShift: num(row, "tsc_shift"),
    };
    const tsc = guestTsc(big(row, "tsc"));
    const delta = clocksourceDelta(tsc, reference.tscTimestamp, U64_MASK, U64_MASK, "seven-eighths");
    const result = big(row, "result");
    return compare(
      { delta: big(row, "delta"), result, formula: result },
      { delta, result: readCycles(reference, tsc), formula: new PvclockFormula(reference).read(tsc) },
    );
  }),
  stateless("encode", (row) => {
    const fields = {
      version: num(row, "version"),
      tscTimestamp: big(row, "tsc_timestamp"),
      systemTime: big(row, "system_time"),
      tscToSystemMul: num(row, "tsc_to_system_mul"),
      tscShift: num(row, "tsc_shift"),
      flags: num(row, "flags"),
    };
    const bytes = text(row, "bytes_hex");
    return compare(
      { bytes_hex: bytes, ...fields },
      { bytes_hex: toHex(encodeVcpuTimeInfo(fields)), ...decodeVcpuTimeInfo(hexBytes(row, "bytes_hex")) },
    );
  }),
  ...pvclockHostReplays,
];

function stateless(file: string, judge: JudgeRow): Replay {
  return { area: "pvclock", file, create: () => judge };
}
