import {
  calcMaxNsecs,
  calcMultShift,
  clocksourceDelta,
  clocksourceMask,
  cyc2ns,
  elapsedNs,
  hz2mult,
  khz2mult,
  registerClocksource,
  TimeCounter,
} from "@chronovisor/clocksource";
import type { JudgeRow, Replay } from "../replay.js";
import { big, bool, compare, MalformedRow, num, oneOf } from "../row-fields.js";

/** The skew the rows were recorded with: the built-in default of a kernel without the option, 62 µs. */
const RECORDED_MAX_SKEW_NS = 62_000;

/** The rows of `clocksource/`: mult/shift, registration, conversions, and the software time counter. */
export const clocksourceReplays: readonly Replay[] = [
  stateless("clocks_calc_mult_shift", (row) => {
    const { mult, shift } = calcMultShift(num(row, "from"), num(row, "to"), num(row, "maxsec"));
    return compare({ mult: num(row, "mult"), shift: num(row, "shift") }, { mult, shift });
  }),
  stateless("freq2mult", (row) => {
    const [freq, shift] = [num(row, "freq"), num(row, "shift")];
    return compare(
      { hz2mult: num(row, "hz2mult"), khz2mult: num(row, "khz2mult") },
      { hz2mult: hz2mult(freq, shift), khz2mult: khz2mult(freq, shift) },
    );
  }),
  stateless("clocks_calc_max_nsecs", (row) => {
    const { maxNs, maxCycles } = calcMaxNsecs(
      num(row, "mult"),
      num(row, "shift"),
      num(row, "maxadj"),
      big(row, "mask"),
    );
    return compare(
      { max_nsecs: big(row, "max_nsecs"), max_cycles: big(row, "max_cycles") },
      { max_nsecs: maxNs, max_cycles: maxCycles },
    );
  }),
  stateless("update_freq_scale", (row) => {
    const rates = registerClocksource({
      scale: num(row, "scale"),
      freq: num(row, "freq"),
      mask: clocksourceMask(num(row, "mask_bits")),
      mult: num(row, "mult_in"),
      shift: num(row, "shift_in"),
      uncertaintyMarginNs: num(row, "uncertainty_in"),
      watchdogMaxSkewNs: RECORDED_MAX_SKEW_NS,
    });
    return compare(
      {
        mult: num(row, "mult"),
        shift: num(row, "shift"),
        maxadj: num(row, "maxadj"),
        max_idle_ns: big(row, "max_idle_ns"),
        max_cycles: big(row, "max_cycles"),
        max_raw_delta: big(row, "max_raw_delta"),
        uncertainty_margin: num(row, "uncertainty_margin"),
        warned: bool(row, "warned"),
      },
      {
        mult: rates.mult,
        shift: rates.shift,
        maxadj: rates.maxadj,
        max_idle_ns: rates.maxIdleNs,
        max_cycles: rates.maxCycles,
        max_raw_delta: rates.maxRawDelta,
        uncertainty_margin: rates.uncertaintyMarginNs,
        warned: rates.warned,
      },
    );
  }),
  stateless("cyc2ns", (row) =>
    compare({ ns: big(row, "ns") }, { ns: cyc2ns(big(row, "cycles"), num(row, "mult"), num(row, "shift")) }),
  ),
  stateless("cycles_to_nsec_safe", (row) => {
    const source = {
      mask: big(row, "mask"),
      mult: num(row, "mult"),
      shift: num(row, "shift"),
      maxCycles: big(row, "max_cycles"),
      maxRawDelta: big(row, "max_raw_delta"),
    };
    const [start, end] = [big(row, "start"), big(row, "end")];
    return compare(
      { delta: big(row, "delta"), ns: big(row, "ns") },
      {
        delta: clocksourceDelta(end, start, source.mask, source.maxRawDelta, "seven-eighths"),
        ns: elapsedNs(source, start, end, "seven-eighths"),
      },
    );
  }),
  { area: "clocksource", file: "timecounter", create: timeCounterSequences },
];

function stateless(file: string, judge: JudgeRow): Replay {
  return { area: "clocksource", file, create: () => judge };
}

/** One time counter per `seq`, made by its `init` row. */
function timeCounterSequences(): JudgeRow {
  const clocks = new Map<number, TimeCounter>();
  return (row) => {
    const seq = num(row, "seq");
    const op = oneOf(row, "op", ["init", "read", "cyc2time", "adjtime"]);
    if (op === "init") {
      const counter = { mask: big(row, "mask"), mult: num(row, "mult"), shift: num(row, "shift") };
      clocks.set(seq, new TimeCounter(counter, big(row, "cycles"), big(row, "arg")));
    }
    const clock = clocks.get(seq);
    if (clock === undefined) throw new MalformedRow("op", `an "init" row of sequence ${seq} before`, op);

    const expected: Record<string, unknown> = {};
    const got: Record<string, unknown> = {};
    if (op === "read" || op === "cyc2time") {
      const cycles = big(row, "cycles");
      expected.result = big(row, "result");
      got.result = op === "read" ? clock.read(cycles) : clock.cycToTime(cycles);
    } else if (op === "adjtime") {
      clock.adjtime(big(row, "delta"));
    }
    return compare(
      { ...expected, nsec: big(row, "nsec"), frac: big(row, "frac"), cycle_last: big(row, "cycle_last") },
      { ...got, nsec: clock.nsec, frac: clock.frac, cycle_last: clock.cycleLast },
    );
  };
}
