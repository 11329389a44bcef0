import { APIC_SPIV, x2apicMsr } from "@chronovisor/lapic";
import { toHex } from "../hex-bytes.js";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, maybeBig, num, object, oneOf, text } from "../row-fields.js";
import { LiveApic, type LiveApicSetup, SVR_DISABLED, SVR_ENABLED } from "./live-apic.js";
import { changedDwords, dwordsColumn, pageColumn } from "./live-page.js";

/** What a state's name says, besides whether SVR enables the APIC. */
const VARIANTS: Readonly<Record<string, NonNullable<LiveApicSetup["config"]>>> = {
  "": {},
  _no_deadline_cpuid: { tscDeadlineSupported: false },
  _split_irqchip: { ioapic: "split" },
};
const STATE = /^sw_(enabled|disabled)(.*)$/;

interface StartingState {
  readonly live: LiveApic;
  readonly page: Uint8Array;
}

/** `x2apic_registers`: one write and one read-back from a starting state, which the write before has not changed. */
export function createRegisters(): JudgeRow {
  const states = new Map<string, StartingState>();

  const judgeBase = (row: Row): Mismatch | undefined => {
    const base = object(row, "base");
    const page = pageColumn(base);
    const [, enabled, variant] = STATE.exec(text(row, "state")) ?? [];
    const config = VARIANTS[variant ?? "unknown"];
    if (config === undefined) throw new MalformedRow("state", "a known state", row.state);
    const live = new LiveApic({ apicBase: big(base, "apic_base"), config });
    const svr = enabled === "enabled" ? SVR_ENABLED : SVR_DISABLED;
    live.apic.wrmsr(x2apicMsr(APIC_SPIV), BigInt(svr));
    const fresh = live.apic.toPage();
    live.apic.fromPage(page);
    states.set(text(row, "state"), { live, page });
    return compare({ page: toHex(page) }, { page: toHex(fresh) });
  };

  return (row) => {
    if (row.base !== undefined) return judgeBase(row);
    const state = states.get(oneOf(row, "state", [...states.keys()]));
    if (state === undefined) throw new MalformedRow("state", "a state with a base row", row.state);
    const { apic } = state.live.clone();
    const msr = num(row, "msr");
    const accepted = apic.wrmsr(msr, big(row, "value")) === "ok";
    const readback = apic.rdmsr(msr);
    return compare(
      {
        accepted: bool(row, "accepted"),
        readback: maybeBig(row, "readback"),
        changed: dwordsColumn(row, "changed"),
      },
      { accepted, readback, changed: changedDwords(state.page, apic.toPage()) },
    );
  };
}
