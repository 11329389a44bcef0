import { APIC_LVTT, APIC_SPIV, APIC_TDCR, APIC_TMCCT, APIC_TMICT, x2apicMsr } from "@chronovisor/lapic";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, num, object, objects, oneOf } from "../row-fields.js";
import { type LiveApic, SVR_ENABLED } from "./live-apic.js";
import { kindOfWrite } from "./live-sequences.js";
import { bracketOf, LiveTimeline } from "./live-timeline.js";

const X2APIC_BOOT_PROCESSOR = 0xfee0_0d00n;
const MODE_NUMBERS = { oneshot: 0, periodic: 1 } as const;

const writeRegister = ({ apic }: LiveApic, offset: number, value: number): void => {
  apic.wrmsr(x2apicMsr(offset), BigInt(value));
};
const readRegister = ({ apic }: LiveApic, offset: number): bigint | undefined =>
  apic.rdmsr(x2apicMsr(offset));
const readCount = (live: LiveApic): bigint | undefined => readRegister(live, APIC_TMCCT);

/** `tmcct`: a count, what it read from time to time, and then further writes and what it read after each. */
export const judgeTmcctRow: JudgeRow = (row) => {
  const config = object(row, "config");
  const timeline = new LiveTimeline({ apicBase: X2APIC_BOOT_PROCESSOR, busCycleNs: big(config, "bus_ns") });
  const started = timeline.operate(bracketOf(object(row, "set")), "start", (live) => {
    writeRegister(live, APIC_SPIV, SVR_ENABLED);
    writeRegister(live, APIC_LVTT, num(config, "lvtt"));
    writeRegister(live, APIC_TDCR, num(config, "tdcr"));
    writeRegister(live, APIC_TMICT, num(config, "tmict"));
    return { divide: live.apic.timer.divide, mode: live.apic.timer.mode };
  });
  return (
    compare(
      { divide: num(config, "divide"), mode: MODE_NUMBERS[oneOf(config, "mode", ["oneshot", "periodic"])] },
      started,
    ) ??
    judgeReads(timeline, row, "reads") ??
    judgeThen(timeline, row)
  );
};

function judgeThen(timeline: LiveTimeline, row: Row): Mismatch | undefined {
  if (row.then === undefined) return undefined;
  for (const [index, step] of objects(row, "then").entries()) {
    const mismatch = judgeWrite(timeline, step) ?? judgeReads(timeline, step, `then[${index}].reads`);
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function judgeWrite(timeline: LiveTimeline, step: Row): Mismatch | undefined {
  const msr = num(step, "msr");
  const value = big(step, "value");
  const result = timeline.operate(bracketOf(step), kindOfWrite(msr), ({ apic }) => apic.wrmsr(msr, value));
  return compare(
    { ok: bool(step, "ok"), lvtt: num(step, "lvtt"), tmict: num(step, "tmict"), tdcr: num(step, "tdcr") },
    timeline.perform((live) => ({
      ok: result === "ok",
      lvtt: readRegister(live, APIC_LVTT),
      tmict: readRegister(live, APIC_TMICT),
      tdcr: readRegister(live, APIC_TDCR),
    })),
  );
}

function judgeReads(timeline: LiveTimeline, row: Row, label: string): Mismatch | undefined {
  for (const [index, read] of objects(row, "reads").entries()) {
    const mismatch = timeline.judgeCount({
      column: `${label}[${index}]`,
      bracket: bracketOf(read),
      value: big(read, "value"),
      read: readCount,
    });
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}
