import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldValue, PayloadDialect } from "./conversions.js";
import { NEWEST_RELEASE, releaseOf } from "./kernel-release.js";
import { type FtraceLayout, lineText } from "./line-text.js";
import type { TraceTextRecord } from "./text-record.js";
import { TraceTextReader } from "./trace-text-reader.js";
import { TRACEPOINTS } from "./tracepoints.js";

const U64 = 2n ** 64n - 1n;
const u64 = fc.bigInt(0n, U64);
const s64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const word = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/);

/** What a field of each conversion may hold: written apart from the conversions, so that a wrong one shows. */
const VALUES: Readonly<Record<string, fc.Arbitrary<FieldValue | undefined>>> = {
  u: u64,
  d: s64,
  s64,
  x: u64,
  x8: fc.bigInt(0n, 2n ** 32n - 1n),
  x16: u64,
  xs64: s64,
  p: u64,
  f: word,
  us: fc.bigInt(-(10n ** 15n), 10n ** 15n),
  word,
  name: word,
  words: fc.constantFrom("HLT", "EXTERNAL_INTERRUPT", "EPT_VIOLATION FAILED_VMENTRY", "hlt", "0x8000000"),
  symbol: fc.option(fc.constantFrom("[apic_timer_fn+0x1f]", "[]"), { nil: undefined }),
  rest: fc.option(fc.constantFrom("DISABLED", "X2APIC|NESTED", "a b"), { nil: undefined }),
};

/** The fields of a template, by its text. */
function fieldsOf(template: string): fc.Arbitrary<Record<string, FieldValue>> {
  const shape: Record<string, fc.Arbitrary<FieldValue | undefined>> = {};
  for (const [, name = "", sign, argument = ""] of template.matchAll(/\{(\w+)([:=?])([^}]*)\}/g)) {
    const values = VALUES[argument];
    if (sign === "=") shape[name] = fc.constantFrom(...argument.split("|"));
    else if (sign === "?") shape[name] = fc.constantFrom(0n, 1n);
    else if (values === undefined) throw new TypeError(`no values for ${argument}`);
    else shape[name] = values;
  }
  return fc.record(shape).map((fields) => {
    const there: Record<string, FieldValue> = {};
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) there[name] = value;
    return there;
  });
}

function read(text: string): readonly TraceTextRecord[] {
  const records: TraceTextRecord[] = [];
  const reader = new TraceTextReader({ onRecord: (record) => records.push(record) });
  reader.write(text);
  reader.end();
  return records;
}

/** One case per format: a release that prints it, and whose format it is. */
const FORMATS = [...TRACEPOINTS.values()].flatMap(({ name, formats }) =>
  formats.map(({ template, dialect, since }, i) => {
    // A format without a release is what a kernel before all the named ones prints.
    const release = since === undefined ? releaseOf("v4.5") : releaseOf(since.mainline);
    return { event: name, format: i, template, dialect, release };
  }),
);

const LAYOUTS: readonly FtraceLayout[] = ["tracefs", "trace-cmd", "perf-script"];

describe("what is written is read back", () => {
  it.each(FORMATS)("$event, format $format ($dialect)", ({ event, template, dialect, release }) => {
    fc.assert(
      fc.property(
        fieldsOf(template),
        fc.constantFrom(...LAYOUTS),
        fc.constantFrom("us" as const, "ns" as const),
        fc.bigInt(0n, 10n ** 16n),
        (fields, layout, timestamps, time) => {
          const envelope = { comm: "CPU 5/KVM", pid: 2_137_779, cpu: 10 };
          const style = { layout, timestamps, payloads: dialect, release };
          const [record, ...others] = read(
            lineText({ envelope, time, context: "thread", event, fields }, style),
          );
          expect(others).toEqual([]);
          expect(record).toMatchObject({ ...envelope, event, fields, line: 1, resolution: timestamps });
          const step = timestamps === "ns" ? 1n : 1_000n;
          const rounded = layout === "perf-script" ? time : time + step / 2n;
          expect(record?.time).toBe(rounded - (rounded % step));
        },
      ),
      { numRuns: 40 },
    );
  });

  const dialectOf = (event: string, dialect: PayloadDialect, fields: Record<string, FieldValue>) => {
    const style = {
      layout: "tracefs",
      timestamps: "us",
      payloads: dialect,
      release: NEWEST_RELEASE,
    } as const;
    const envelope = { comm: "<idle>", pid: 0, cpu: 0 };
    return read(lineText({ envelope, time: 0n, context: "hardirq", event, fields }, style))[0]?.dialect;
  };

  it.each([
    ["hrtimer_expire_entry", { hrtimer: 1n, function: "apic_timer_fn", now: -1n }],
    ["hrtimer_cancel", { hrtimer: 1n }],
    ["timer_cancel", { timer: 1n }],
    ["kvm_entry", { vcpuId: 0n, rip: 1n, immediateExit: 0n, intrInfo: 0n, errorCode: 0n }],
    [
      "kvm_exit",
      {
        vcpuId: 0n,
        reason: "HLT",
        rip: 1n,
        symbol: "[f]",
        info1: 0n,
        info2: 0n,
        intrInfo: 0n,
        errorCode: 0n,
        requests: 0n,
      },
    ],
  ])("tells whose format %s has", (event, fields) => {
    expect(dialectOf(event, "kernel", fields)).toBe("kernel");
    expect(dialectOf(event, "library", fields)).toBe("library");
  });
});
