import { mulU64U32Div } from "@chronovisor/clocksource";
import { APIC_IRR, APIC_LVTT, APIC_TMICT } from "@chronovisor/lapic";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, list, MalformedRow, maybeBig, num, object, text } from "../row-fields.js";
import { LiveApic, type LiveApicSetup } from "./live-apic.js";
import { pageColumn, pageDword, patchPage, VECTOR_REGISTERS } from "./live-page.js";

const NS_PER_MS = 1_000_000;
/** KVM_RUN ends with the signal that the recorder sent. */
const RUN_INTERRUPTED = -4;
const IRR_OFFSETS = VECTOR_REGISTERS.map((offset) => APIC_IRR + offset);

interface Machine {
  readonly live: LiveApic;
  readonly khz: number;
}

type Operation = (machine: Machine, row: Row) => Mismatch | undefined;

/** What lies between two deadlines and their stamps is milliseconds: any instant of an operation stands for it. */
function passTo({ live, khz }: Machine, tsc: bigint): void {
  live.advanceTo(mulU64U32Div(tsc, NS_PER_MS, khz), tsc);
}

const write: Operation = (machine, row) => {
  passTo(machine, big(row, "tsc_after"));
  const result = machine.live.apic.wrmsr(num(row, "msr"), big(row, "value"), "host");
  return compare({ ok: bool(row, "ok") }, { ok: result === "ok" });
};

const read: Operation = (machine, row) => {
  passTo(machine, big(row, "tsc_after"));
  const value = machine.live.apic.rdmsr(num(row, "msr"));
  return compare({ value: maybeBig(row, "value"), ok: bool(row, "ok") }, { value, ok: value !== undefined });
};

/** Halted with interrupts off: what is pending is injected when the run begins, and at each expiry that ends the halt. */
const run: Operation = (machine, row) => {
  const { apic } = machine.live;
  apic.injectPendingTimer();
  passTo(machine, big(row, "tsc_after"));
  apic.injectPendingTimer();
  return compare({ ret: num(row, "ret") }, { ret: RUN_INTERRUPTED });
};

const wait: Operation = (machine, row) => {
  passTo(machine, big(row, "tsc_after"));
  return undefined;
};

const readIrr: Operation = ({ live }, row) => {
  const page = live.apic.toPage();
  return compare(
    { irr: list(row, "irr"), lvtt: num(row, "lvtt"), tmict: num(row, "tmict") },
    {
      irr: IRR_OFFSETS.map((offset) => pageDword(page, offset)),
      lvtt: pageDword(page, APIC_LVTT),
      tmict: pageDword(page, APIC_TMICT),
    },
  );
};

const clearIrr: Operation = ({ live }) => {
  const cleared = patchPage(
    live.apic.toPage(),
    IRR_OFFSETS.map((offset) => [offset, 0]),
  );
  return compare({ clear_irr: "ok" }, { clear_irr: live.apic.fromPage(cleared) });
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  wr: write,
  rd: read,
  run,
  wait,
  irr: readIrr,
  clear_irr: clearIrr,
};

/** `tsc_deadline`: scripts on a fresh APIC each, in TSC time; no deadline is close enough to a stamp to race with it. */
export function createTscDeadline(): JudgeRow {
  let base: { readonly setup: LiveApicSetup; readonly page: Uint8Array; readonly khz: number } | undefined;
  let script: { readonly seq: number; readonly machine: Machine } | undefined;

  const machineOf = (seq: number): Machine => {
    if (script?.seq === seq) return script.machine;
    if (base === undefined) throw new MalformedRow("seq", "a base row first", seq);
    const machine = { live: new LiveApic(base.setup), khz: base.khz };
    machine.live.apic.fromPage(base.page);
    script = { seq, machine };
    return machine;
  };

  return (row) => {
    if (row.base !== undefined) {
      const columns = object(row, "base");
      const khz = num(columns, "tsc_khz");
      base = { setup: { apicBase: big(columns, "apic_base"), tscKhz: khz }, page: pageColumn(columns), khz };
      return undefined;
    }
    const op = text(row, "op");
    const operation = OPERATIONS[op];
    if (operation === undefined) throw new MalformedRow("op", "a known operation", op);
    return operation(machineOf(num(row, "seq")), row);
  };
}
