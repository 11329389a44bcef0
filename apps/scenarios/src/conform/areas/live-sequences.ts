import { APIC_TMCCT, APIC_TMICT, x2apicMsr } from "@chronovisor/lapic";
import { toHex } from "../hex-bytes.js";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, maybeBig, num, object, text } from "../row-fields.js";
import type { LiveApic, LiveApicSetup } from "./live-apic.js";
import { changedDwords, dwordsColumn, pageColumn, patchPage, readCountOfPage, tmcctOf } from "./live-page.js";
import { bracketOf, LiveTimeline, type OperationKind } from "./live-timeline.js";

const MSR_TMICT = x2apicMsr(APIC_TMICT);
const MSR_TMCCT = x2apicMsr(APIC_TMCCT);

interface Base {
  readonly setup: LiveApicSetup;
  readonly page: Uint8Array;
}

/** Only a write of the initial count starts from the registers alone. */
export const kindOfWrite = (msr: number): OperationKind => (msr === MSR_TMICT ? "start" : "other");

type Operation = (timeline: LiveTimeline, row: Row) => Mismatch | undefined;

/** An operation whose clock sample matters has stamps. */
function perform<Result>(
  timeline: LiveTimeline,
  row: Row,
  kind: OperationKind,
  act: (live: LiveApic) => Result,
): Result {
  return row.mono_before === undefined ? timeline.perform(act) : timeline.operate(bracketOf(row), kind, act);
}

const write: Operation = (timeline, row) => {
  const msr = num(row, "msr");
  const value = big(row, "value");
  const result = perform(timeline, row, kindOfWrite(msr), ({ apic }) => apic.wrmsr(msr, value));
  return compare({ ok: bool(row, "ok") }, { ok: result === "ok" });
};

const read: Operation = (timeline, row) => {
  const msr = num(row, "msr");
  const value = maybeBig(row, "value");
  const readMsr = ({ apic }: LiveApic) => apic.rdmsr(msr);
  if (msr === MSR_TMCCT && value !== undefined) {
    return timeline.judgeCount({ column: "value", bracket: bracketOf(row), value, read: readMsr });
  }
  const got = timeline.perform(readMsr);
  return compare({ value, ok: bool(row, "ok") }, { value: got, ok: got !== undefined });
};

const writeCr8: Operation = (timeline, row) => {
  timeline.perform(({ apic }) => apic.writeCr8(Number(big(row, "value"))));
  return compare({ ok: bool(row, "ok") }, { ok: true });
};

const readCr8: Operation = (timeline, row) =>
  compare(
    { value: big(row, "value"), ok: bool(row, "ok") },
    { value: timeline.perform(({ apic }) => apic.cr8), ok: true },
  );

const signalMsi: Operation = (timeline, row) =>
  compare(
    { ret: num(row, "ret") },
    { ret: timeline.perform(({ bus }) => bus.msi(num(row, "addr"), num(row, "data"))) },
  );

const readPage: Operation = (timeline, row) => {
  const page = pageColumn(row);
  const changed = timeline.perform(({ apic }) => changedDwords(apic.toPage(), page));
  return (
    compare({ page: changed }, { page: [] }) ??
    timeline.judgeCount({
      column: "tmcct",
      bracket: bracketOf(row),
      value: tmcctOf(page),
      read: readCountOfPage,
    })
  );
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  wr: write,
  rd: read,
  set_cr8: writeCr8,
  get_cr8: readCr8,
  msi: signalMsi,
  page: readPage,
};

/** `x2apic_sequences` and `x2apic_sequences_timed`: each `init` row loads a page, and what follows goes on from there. */
export function createSequences(): JudgeRow {
  let base: Base | undefined;
  let timeline: LiveTimeline | undefined;

  const readBase = (row: Row): Mismatch | undefined => {
    const columns = object(row, "base");
    const page = pageColumn(columns);
    const setup: LiveApicSetup = {
      vcpuId: num(columns, "vcpu_id"),
      busCycleNs: big(columns, "bus_ns"),
      tscKhz: num(columns, "tsc_khz"),
      apicBase: big(columns, "apic_base"),
    };
    base = { setup, page };
    const fresh = new LiveTimeline(setup).perform(({ apic }) => apic.toPage());
    return compare({ page: toHex(page) }, { page: toHex(fresh) });
  };

  const init = (row: Row): Mismatch | undefined => {
    if (base === undefined) throw new MalformedRow("op", "a base row first", row.op);
    const page = patchPage(base.page, dwordsColumn(row, "patch"));
    timeline = new LiveTimeline(base.setup);
    const result = timeline.operate(bracketOf(row), "start", ({ apic }) => apic.fromPage(page));
    return compare({ init: "ok" }, { init: result });
  };

  return (row) => {
    if (row.base !== undefined) return readBase(row);
    const op = text(row, "op");
    if (op === "init") return init(row);
    const operation = OPERATIONS[op];
    if (operation === undefined || timeline === undefined)
      throw new MalformedRow("op", "a known operation", op);
    return operation(timeline, row);
  };
}
