import { describe, expect, it } from "vitest";
import type { Mismatch, Row } from "../replay.js";
import { MalformedRow } from "../row-fields.js";
import { liveLapicReplays } from "./live-lapic.js";

/** A page in hex: what a fresh APIC of vCPU 0 has, with dwords replaced. */
function page(dwords: Readonly<Record<number, number>>): string {
  const fresh = {
    48: 0x50014,
    224: 0xffff_ffff,
    240: 0xff,
    800: 0x10000,
    816: 0x10000,
    832: 0x10000,
    848: 0x700,
    864: 0x10000,
    880: 0x10000,
  };
  const view = new DataView(new ArrayBuffer(1024));
  for (const [offset, value] of Object.entries({ ...fresh, ...dwords })) {
    view.setUint32(Number(offset), value, true);
  }
  return Array.from(new Uint8Array(view.buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const XAPIC = 0xfee0_0900;
const X2APIC = 0xfee0_0d00;
const LDR = { 208: 1 };
const between = (before: number, after: number) => ({ mono_before: before, mono_after: after });
const read = (before: number, after: number, value: number) => ({ ...between(before, after), value });
const tsc = (before: number) => ({ tsc_before: `${before}`, tsc_after: `${before + 30_000}` });

const REGISTERS: readonly Row[] = [
  {
    state: "sw_enabled",
    base: { apic_base: `${X2APIC}`, page: page({ ...LDR, 240: 0x1ff }) },
  },
  {
    state: "sw_disabled_split_irqchip",
    base: { apic_base: `${X2APIC}`, page: page({ ...LDR, 48: 0x0105_0014, 848: 0x10700 }) },
  },
  row("sw_enabled", 0x808, "0x1aa", true, "170", [
    [0x80, 0xaa],
    [0xa0, 0xaa],
  ]),
  row("sw_enabled", 0x833, "0xffffffff", true, `${0x117ff}`, [[0x330, 0x117ff]]),
  row("sw_enabled", 0x802, "0", false, "0", []),
  row("sw_enabled", 0x80b, "0", true, null, []),
  row("sw_disabled_split_irqchip", 0x80f, "0x11ff", true, `${0x11ff}`, [[0xf0, 0x11ff]]),
];

function row(
  state: string,
  msr: number,
  value: string,
  accepted: boolean,
  readback: string | null,
  changed: readonly (readonly [number, number])[],
): Row {
  return { state, msr, value: `${BigInt(value)}`, accepted, readback, changed };
}

const at = (op: string, columns: Row): Row => ({ seq: 0, op, ok: true, ...columns });

/** At ÷1: started at 5 µs, read at 105 µs and 205 µs; ÷2 from 300 µs on, when 705 µs are left. */
const SEQUENCE: readonly Row[] = [
  {
    base: {
      bus_ns: 1,
      vcpu_id: 0,
      apic_base: `${X2APIC}`,
      tsc_khz: 2_000_000,
      page: page(LDR),
    },
  },
  at("init", { patch: [[0xf0, 0x1ff]], ...between(1000, 2000) }),
  at("wr", { msr: 0x83e, value: "11", ...between(2000, 3000) }),
  at("wr", { msr: 0x838, value: "1000000", ...between(4000, 9000) }),
  at("rd", { msr: 0x839, value: "900000", ...between(104_900, 105_100) }),
  at("rd", { msr: 0x839, value: "800000", ...between(204_900, 205_100) }),
  at("wr", { msr: 0x83e, value: "0", ...between(299_000, 301_000) }),
  at("rd", { msr: 0x839, value: "352500", ...between(1_004_900, 1_005_100) }),
  at("msi", { addr: 0xfee0_0000, data: 0x31, ret: 1 }),
  at("rd", { msr: 0x821, value: `${2 ** 17}` }),
  at("wr", { msr: 0x830, value: `${0x4_0041}` }),
  at("wr", { msr: 0x830, value: `${0x14_0041}`, ok: false }),
  at("rd", { msr: 0x80b, value: null, ok: false }),
  at("set_cr8", { value: "5" }),
  at("set_cr8", { value: "17" }),
  at("get_cr8", { value: "5" }),
  at("page", {
    page: page({
      ...LDR,
      128: 0x50,
      160: 0x50,
      240: 0x1ff,
      528: 2 ** 17,
      544: 2,
      768: 0x4_0041,
      896: 1_000_000,
      912: 302_500,
    }),
    ...between(1_104_900, 1_105_100),
  }),
];

const TMCCT: readonly Row[] = [
  {
    config: { name: "oneshot", bus_ns: 10, tdcr: 11, divide: 1, mode: "oneshot", lvtt: 0x31, tmict: 100_000 },
    set: between(1000, 11_000),
    reads: [read(105_000, 105_400, 89_980), read(205_000, 205_400, 79_980)],
    // biome-ignore lint/suspicious/noThenProperty: the column's name
    then: [
      {
        msr: 0x832,
        value: `${0x2_0031}`,
        ok: true,
        ...between(300_000, 310_000),
        lvtt: 0x2_0031,
        tmict: 100_000,
        tdcr: 11,
        reads: [read(505_000, 505_400, 49_980), read(1_505_000, 1_505_400, 49_980)],
      },
    ],
  },
];

const script = (op: string, columns: Row): Row => ({ seq: 0, name: "past", op, ok: true, ...columns });
const irr = (word1: number) => script("irr", { irr: [0, word1, 0, 0, 0, 0, 0, 0], lvtt: 0x4_0033, tmict: 0 });
const DEADLINE: readonly Row[] = [
  { base: { tsc_khz: 2_000_000, apic_base: `${X2APIC}`, page: page(LDR) } },
  script("wr", { msr: 0x80f, value: `${0x1ff}`, ...tsc(1_000_000) }),
  script("wr", { msr: 0x832, value: `${0x4_0033}`, ...tsc(2_000_000) }),
  script("wr", { msr: 0x6e0, value: "2900000", ...tsc(3_000_000) }),
  script("rd", { msr: 0x6e0, value: "2900000", ...tsc(4_000_000) }),
  irr(0),
  script("run", { ret: -4, ...tsc(5_000_000) }),
  irr(2 ** 19),
  script("rd", { msr: 0x6e0, value: "0", ...tsc(6_000_000) }),
  script("clear_irr", {}),
  irr(0),
  script("wr", { msr: 0x6e0, value: "9000000", ...tsc(7_000_000) }),
  script("wait", { ...tsc(10_000_000) }),
  irr(0),
  script("run", { ret: -4, ...tsc(11_000_000) }),
  irr(2 ** 19),
];

const VM = { vm: "default", mode: "xapic" };
const STATE: readonly Row[] = [
  { kind: "base", ...VM, apic_base: `${XAPIC}`, bus_ns: 1, vcpu_id: 0, page: page({}) },
  {
    kind: "roundtrip",
    ...VM,
    pattern: "aa",
    prior_lvtt: 0x10000,
    prior_isr: -1,
    accepted: true,
    errno: 0,
    set: { ...between(1000, 9000), page: page({ 48: 7, 128: 0xaa, 368: 2 ** 31 }) },
    get: { ...between(20_000, 25_000), page: page({ 128: 0xaa, 160: 0xaa, 368: 2 ** 31 }) },
  },
  {
    kind: "restore",
    ...VM,
    name: "partial",
    prior_lvtt: 0x10000,
    lvtt: 0x2_0031,
    tdcr: 11,
    divide: 1,
    tmict: 1_000_000,
    tmcct: 400_000,
    accepted: true,
    set: between(1000, 9000),
    reads: [read(104_800, 105_200, 300_000), read(1_104_800, 1_105_200, 300_000)],
    tmict_after: 1_000_000,
    lvtt_after: 0x2_0031,
    tdcr_after: 11,
  },
  {
    kind: "apic_base",
    vcpu_id: 37,
    from: `${XAPIC}`,
    write: `${X2APIC}`,
    accepted: true,
    readback: `${X2APIC}`,
    id_before: 0x5500_0000,
    ldr_before: 0x100_0000,
    dfr_before: 0xffff_ffff,
    id_after: 0x2500_0000,
    ldr_after: 0x2_0020,
    dfr_after: 0xffff_ffff,
    changed: [
      [0x20, 0x2500_0000],
      [0xd0, 0x2_0020],
    ],
  },
];

function judge(file: string, rows: readonly Row[]): readonly (Mismatch | undefined)[] {
  const judgeRow = liveLapicReplays.find((replay) => replay.file === file)?.create();
  if (judgeRow === undefined) throw new Error(`no replay of ${file}`);
  return rows.map((each) => judgeRow(each));
}

/** `rows` with one column of one row changed; a path names columns inside columns. */
function changed(rows: readonly Row[], index: number, path: string, value: unknown): readonly Row[] {
  const copy = structuredClone(rows) as Record<string, unknown>[];
  const names = path.split(".");
  const last = names.pop() ?? "";
  let holder: Record<string, unknown> = copy[index] ?? {};
  for (const name of names) holder = holder[name] as Record<string, unknown>;
  holder[last] = value;
  return copy;
}

const FILES = {
  x2apic_registers: REGISTERS,
  x2apic_sequences: SEQUENCE,
  x2apic_sequences_timed: SEQUENCE,
  tmcct: TMCCT,
  tsc_deadline: DEADLINE,
  lapic_state: STATE,
};

describe.each(Object.entries(FILES))("rows of live-kvm/%s", (file, rows) => {
  it("pass when the APIC does what they say", () => {
    expect(judge(file, rows)).toEqual(rows.map(() => undefined));
  });
});

describe("a row fails", () => {
  it.each([
    ["x2apic_registers", 0, "base.page", page({ ...LDR, 240: 0x1ff, 992: 1 })],
    ["x2apic_registers", 2, "readback", "426"],
    ["x2apic_registers", 2, "changed", [[0x80, 0xaa]]],
    ["x2apic_registers", 4, "accepted", true],
    ["x2apic_registers", 5, "readback", "0"],
    ["x2apic_registers", 6, "value", `${0x1ff}`],
    ["x2apic_sequences", 4, "value", "906000"],
    ["x2apic_sequences", 5, "value", "799700"],
    ["x2apic_sequences", 5, "value", "0"],
    ["x2apic_sequences", 7, "value", "350000"],
    ["x2apic_sequences", 8, "ret", 0],
    ["x2apic_sequences", 9, "value", "0"],
    ["x2apic_sequences", 11, "ok", true],
    ["x2apic_sequences", 15, "value", "1"],
    ["x2apic_sequences", 16, "page", page(LDR)],
    ["tmcct", 0, "config.divide", 2],
    ["tmcct", 0, "reads.1.value", 79_930],
    ["tmcct", 0, "then.0.lvtt", 0x31],
    ["tmcct", 0, "then.0.ok", false],
    ["tmcct", 0, "then.0.reads.1.value", 0],
    ["tmcct", 0, "then.0.reads.1.value", 50_080],
    ["tsc_deadline", 4, "value", "0"],
    ["tsc_deadline", 5, "irr.1", 2 ** 19],
    ["tsc_deadline", 6, "ret", 0],
    ["tsc_deadline", 7, "irr.1", 0],
    ["tsc_deadline", 7, "lvtt", 0x5_0033],
    ["lapic_state", 0, "page", page({ 848: 0x10000 })],
    ["lapic_state", 1, "errno", 22],
    ["lapic_state", 1, "get.page", page({ 128: 0xaa, 160: 0xf0, 368: 2 ** 31 })],
    ["lapic_state", 2, "reads.0.value", 309_000],
    ["lapic_state", 2, "reads.1.value", 299_000],
    ["lapic_state", 2, "tmict_after", 0],
    ["lapic_state", 3, "accepted", false],
    ["lapic_state", 3, "ldr_after", 0x100_0000],
  ])("of %s, line %i, whose %s is %s", (file, index, path, value) => {
    const rows = FILES[file as keyof typeof FILES];
    expect(judge(file, changed(rows, index, path, value))[index]).toBeDefined();
  });

  it("says which read of a count it was, and what it could have been", () => {
    expect(judge("tmcct", changed(TMCCT, 0, "reads.1.value", 79_930))).toEqual([
      {
        expected: { "reads[1]": "79930" },
        got: { "reads[1]": "80020 at the earliest, 79940 at the latest" },
      },
    ]);
  });
});

describe("a row that does not follow the layout stops the run", () => {
  it.each([
    ["x2apic_registers", 2, "state", "sw_sleeping"],
    ["x2apic_sequences", 2, "op", "jump"],
    ["x2apic_sequences", 0, "base.page", "00"],
    ["tmcct", 0, "reads", "none"],
    ["tsc_deadline", 1, "op", "jump"],
    ["lapic_state", 1, "vm", "other"],
  ])("%s, line %i, %s %s", (file, index, path, value) => {
    const rows = FILES[file as keyof typeof FILES];
    expect(() => judge(file, changed(rows, index, path, value))).toThrow(MalformedRow);
  });
});
