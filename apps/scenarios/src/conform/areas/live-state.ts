import {
  APIC_DFR,
  APIC_ID,
  APIC_ISR,
  APIC_LDR,
  APIC_LVTT,
  APIC_SPIV,
  APIC_TDCR,
  APIC_TMCCT,
  APIC_TMICT,
  MSR_IA32_APICBASE,
} from "@chronovisor/lapic";
import { toHex } from "../hex-bytes.js";
import type { JudgeRow, Mismatch, Row } from "../replay.js";
import { big, bool, compare, MalformedRow, num, object, objects, oneOf, text } from "../row-fields.js";
import { LiveApic, type LiveApicSetup, SVR_ENABLED } from "./live-apic.js";
import {
  changedDwords,
  dwordsColumn,
  pageColumn,
  pageDword,
  patchPage,
  readCountOfPage,
  tmcctOf,
  vectorDword,
} from "./live-page.js";
import { bracketOf, LiveTimeline } from "./live-timeline.js";

const EINVAL = 22;
/** Column `prior_isr` where no vector was in service. */
const NO_VECTOR = -1;

/** What a vm's name says of it, besides what its base row spells out. */
const VMS: Readonly<Record<string, Partial<LiveApicSetup>>> = {
  default: {},
  x2apic_32bit_ids: { config: { idFormat: "32-bit" } },
  vcpu37: {},
  vcpu37_32bit_ids: { config: { idFormat: "32-bit" } },
  no_cpuid: { cpuid: "unset" },
};

interface Base {
  readonly setup: LiveApicSetup;
  readonly page: Uint8Array;
}

/** `lapic_state`: KVM_SET_LAPIC and KVM_GET_LAPIC, and host writes of IA32_APICBASE. */
export function createLapicState(): JudgeRow {
  const bases = new Map<string, Base>();
  const keyOf = (row: Row): string => `${text(row, "vm")} ${text(row, "mode")}`;

  const baseOf = (row: Row): Base => {
    const base = bases.get(keyOf(row));
    if (base === undefined) throw new MalformedRow("vm", "a vm and mode with a base row", row.vm);
    return base;
  };

  const judgeBase = (row: Row): Mismatch | undefined => {
    const page = pageColumn(row);
    const setup: LiveApicSetup = {
      ...VMS[oneOf(row, "vm", Object.keys(VMS))],
      vcpuId: num(row, "vcpu_id"),
      busCycleNs: big(row, "bus_ns"),
      apicBase: big(row, "apic_base"),
    };
    bases.set(keyOf(row), { setup, page });
    return compare({ page: toHex(page) }, { page: toHex(new LiveApic(setup).apic.toPage()) });
  };

  return (row) => {
    switch (oneOf(row, "kind", ["base", "roundtrip", "restore", "apic_base"])) {
      case "base":
        return judgeBase(row);
      case "roundtrip":
        return judgeRoundTrip(baseOf(row), row);
      case "restore":
        return judgeRestore(baseOf(row), row);
      case "apic_base":
        return judgeApicBase(row);
    }
  };
}

function judgeRoundTrip(base: Base, row: Row): Mismatch | undefined {
  const isr = num(row, "prior_isr");
  const timeline = timelineOn(base, [
    [APIC_LVTT, num(row, "prior_lvtt")],
    ...(isr === NO_VECTOR ? [] : [vectorDword(APIC_ISR, isr)]),
  ]);
  const set = object(row, "set");
  const result = timeline.operate(bracketOf(set), "start", ({ apic }) => apic.fromPage(pageColumn(set)));
  const get = object(row, "get");
  const page = pageColumn(get);
  return (
    compare(
      { accepted: bool(row, "accepted"), errno: num(row, "errno"), page: [] },
      {
        accepted: result === "ok",
        errno: result === "ok" ? 0 : EINVAL,
        page: timeline.perform(({ apic }) => changedDwords(page, apic.toPage())),
      },
    ) ??
    timeline.judgeCount({
      column: "tmcct",
      bracket: bracketOf(get),
      value: tmcctOf(page),
      read: readCountOfPage,
    })
  );
}

function judgeRestore(base: Base, row: Row): Mismatch | undefined {
  const timeline = timelineOn(base, [[APIC_LVTT, num(row, "prior_lvtt")]]);
  const page = patchPage(base.page, [
    [APIC_SPIV, SVR_ENABLED],
    [APIC_LVTT, num(row, "lvtt")],
    [APIC_TDCR, num(row, "tdcr")],
    [APIC_TMICT, num(row, "tmict")],
    [APIC_TMCCT, num(row, "tmcct")],
  ]);
  const set = bracketOf(object(row, "set"));
  const result = timeline.operate(set, "start", ({ apic }) => apic.fromPage(page));
  const restored = timeline.perform(({ apic }) => ({ page: apic.toPage(), divide: apic.timer.divide }));
  return (
    compare(
      {
        accepted: bool(row, "accepted"),
        divide: num(row, "divide"),
        tmict: num(row, "tmict_after"),
        lvtt: num(row, "lvtt_after"),
        tdcr: num(row, "tdcr_after"),
      },
      {
        accepted: result === "ok",
        divide: restored.divide,
        tmict: pageDword(restored.page, APIC_TMICT),
        lvtt: pageDword(restored.page, APIC_LVTT),
        tdcr: pageDword(restored.page, APIC_TDCR),
      },
    ) ?? judgeReads(timeline, row)
  );
}

function judgeReads(timeline: LiveTimeline, row: Row): Mismatch | undefined {
  for (const [index, read] of objects(row, "reads").entries()) {
    const mismatch = timeline.judgeCount({
      column: `reads[${index}]`,
      bracket: bracketOf(read),
      value: big(read, "value"),
      read: readCountOfPage,
    });
    if (mismatch !== undefined) return mismatch;
  }
  return undefined;
}

function judgeApicBase(row: Row): Mismatch | undefined {
  const { apic } = new LiveApic({ vcpuId: num(row, "vcpu_id"), apicBase: big(row, "from") });
  apic.fromPage(
    patchPage(apic.toPage(), [
      [APIC_ID, num(row, "id_before")],
      [APIC_LDR, num(row, "ldr_before")],
      [APIC_DFR, num(row, "dfr_before")],
    ]),
  );
  const before = apic.toPage();
  const accepted = apic.wrmsr(MSR_IA32_APICBASE, big(row, "write"), "host") === "ok";
  const after = apic.toPage();
  return compare(
    {
      id_before: num(row, "id_before"),
      ldr_before: num(row, "ldr_before"),
      dfr_before: num(row, "dfr_before"),
      accepted: bool(row, "accepted"),
      readback: big(row, "readback"),
      id_after: num(row, "id_after"),
      ldr_after: num(row, "ldr_after"),
      dfr_after: num(row, "dfr_after"),
      changed: dwordsColumn(row, "changed"),
    },
    {
      id_before: pageDword(before, APIC_ID),
      ldr_before: pageDword(before, APIC_LDR),
      dfr_before: pageDword(before, APIC_DFR),
      accepted,
      readback: apic.rdmsr(MSR_IA32_APICBASE),
      id_after: pageDword(after, APIC_ID),
      ldr_after: pageDword(after, APIC_LDR),
      dfr_after: pageDword(after, APIC_DFR),
      changed: changedDwords(before, after),
    },
  );
}

/** An APIC that held the base page with some registers replaced. */
function timelineOn({ setup, page }: Base, prior: Parameters<typeof patchPage>[1]): LiveTimeline {
  const timeline = new LiveTimeline(setup);
  timeline.perform(({ apic }) => apic.fromPage(patchPage(page, prior)));
  return timeline;
}
