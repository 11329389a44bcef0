import { guestTsc, hostTsc, monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsv } from "../../test/csv-parser.js";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import { CsvEventsExporter } from "./csv-events-exporter.js";

const at = hostTsc(3_000_000n);

function rowsOf(events: readonly TraceEvent[]): readonly Readonly<Record<string, string>>[] {
  let file = "";
  const exporter = new CsvEventsExporter(RUN, (text) => {
    file += text;
  });
  for (const event of events) exporter.emit(event);
  exporter.end();
  exporter.end();
  const [head = [], ...rows] = parseCsv(file);
  expect(new Set(rows.map((row) => row.length))).toEqual(new Set(rows.length > 0 ? [head.length] : []));
  return rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? "none"])));
}

/** What of a row is not empty, besides when it was. */
function said(event: TraceEvent): Readonly<Record<string, string>> {
  const [{ t_ns, seq, host_tsc_cycles, ...row } = {}] = rowsOf([event]);
  expect([t_ns, seq, host_tsc_cycles]).toEqual(["1000000", "0", "3000000"]);
  return Object.fromEntries(Object.entries(row).filter(([, field]) => field !== ""));
}

describe("CsvEventsExporter", () => {
  it("names every column with its unit", () => {
    let file = "";
    const exporter = new CsvEventsExporter(RUN, (text) => {
      file += text;
    });
    exporter.end();
    expect(file).toBe(
      "t_ns,seq,cpu,vcpu,kind,host_tsc_cycles,flow,timer,name,what,state,backend,source,outcome,reason,text,vector,coalesced,msr,msr_value,callbacks,deadline_ns,deadline_guest_tsc_cycles,deadline_guest_ns,expires_ns,now_ns,mode,was_armed,value_ns,value_count,version,tsc_timestamp_cycles,system_time_ns,tsc_to_system_mul,tsc_shift,flags,from_cycles,to_cycles,master_clock,clocksource,all_matched,matched_vcpus,online_vcpus\n",
    );
  });

  it.each<[TraceEvent, Readonly<Record<string, string>>]>([
    [
      { kind: "timer-armed", at, vcpu: 0, backend: "hrtimer", deadline: 7n, flow: 2 },
      { kind: "timer-armed", vcpu: "0", backend: "hrtimer", deadline_ns: "7", flow: "2" },
    ],
    [
      { kind: "timer-armed", at, vcpu: 0, backend: "preemption-timer", deadline: 2n ** 64n - 1n },
      {
        kind: "timer-armed",
        vcpu: "0",
        backend: "preemption-timer",
        deadline_guest_tsc_cycles: "18446744073709551615",
      },
    ],
    [
      { kind: "timer-advanced", at, vcpu: 0, targetNs: monotonicNs(5n), deadlineTsc: guestTsc(9n) },
      { kind: "timer-advanced", vcpu: "0", deadline_ns: "5", deadline_guest_tsc_cycles: "9" },
    ],
    [
      { kind: "xen-set-timer", at, vcpu: 0, deadlineNs: 5n },
      { kind: "xen-set-timer", vcpu: "0", deadline_guest_ns: "5" },
    ],
    [
      { kind: "inject", at, vcpu: 1, vector: 236, coalesced: "yes" },
      { kind: "inject", vcpu: "1", vector: "236", coalesced: "1" },
    ],
    [
      { kind: "eoi", at, vcpu: 1, vector: undefined },
      { kind: "eoi", vcpu: "1" },
    ],
    [
      { kind: "tsc-matched", at, vcpu: 0, masterClock: "off", matched: 0, online: 2, clocksource: "none" },
      {
        kind: "tsc-matched",
        vcpu: "0",
        master_clock: "0",
        matched_vcpus: "0",
        online_vcpus: "2",
        clocksource: "none",
      },
    ],
    [
      { kind: "master-clock", at, masterClock: "on", clocksource: "tsc", matched: "yes" },
      { kind: "master-clock", master_clock: "1", clocksource: "tsc", all_matched: "1" },
    ],
    [
      { kind: "counter", at, name: "lag", unit: "ns", value: -51n },
      { kind: "counter", name: "lag", value_ns: "-51" },
    ],
    [
      { kind: "counter", at, name: "=mult", unit: "count", value: 3n, vcpu: 1 },
      { kind: "counter", vcpu: "1", name: "'=mult", value_count: "3" },
    ],
    [
      {
        kind: "hrtimer-start",
        at,
        cpu: 0,
        timer: 4,
        name: "tick",
        expiresNs: 8n,
        mode: "ABS|PINNED|HARD",
        was: "armed",
      },
      {
        kind: "hrtimer-start",
        cpu: "0",
        timer: "4",
        name: "tick",
        expires_ns: "8",
        mode: "ABS|PINNED|HARD",
        was_armed: "1",
      },
    ],
  ])("says in its columns, and nowhere else, what %o is", (event, expected) => {
    expect(said(event)).toEqual(expected);
  });

  it("writes a row per clock that is read, all of one event", () => {
    const rows = rowsOf([
      {
        kind: "clocks",
        at,
        clocks: [
          ["CLOCK_MONOTONIC", 5n],
          ["kvmclock.vcpu0", -6n],
        ],
      },
      { kind: "irq-end", at, cpu: 1 },
    ]);
    expect(rows.map(({ seq, kind, name, value_ns }) => [seq, kind, name, value_ns])).toEqual([
      ["0", "clocks", "CLOCK_MONOTONIC", "5"],
      ["0", "clocks", "kvmclock.vcpu0", "-6"],
      ["1", "irq-end", "", ""],
    ]);
  });

  it("loses no number of any event", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const rows = rowsOf(events);
        for (const [seq, event] of events.entries()) {
          const fields = rows.filter((row) => row.seq === String(seq)).flatMap((row) => Object.values(row));
          // An epoch's ns is its time; the clocks are pairs.
          for (const value of event.kind === "clocks" ? event.clocks.flat() : Object.values(event)) {
            if (typeof value === "bigint" || typeof value === "number")
              expect(fields).toContain(String(value));
          }
        }
      }),
    );
  });

  it("hands on a long run in pieces of a bounded size", () => {
    let pieces = 0;
    let largest = 0;
    const exporter = new CsvEventsExporter(RUN, (text) => {
      pieces += 1;
      largest = Math.max(largest, text.length);
    });
    for (let i = 0; i < 100_000; i++) exporter.emit({ kind: "kick", at, vcpu: 0 });
    exporter.end();
    expect(pieces).toBeGreaterThan(50);
    expect(largest).toBeLessThan(66_000);
  });

  it("refuses an event after the end", () => {
    const exporter = new CsvEventsExporter(RUN, () => {});
    exporter.end();
    expect(() => exporter.emit({ kind: "irq-end", at, cpu: 0 })).toThrow(
      new RangeError("CsvEventsExporter.emit: expected no event after end(), got irq-end"),
    );
  });

  it("refuses a frequency of 0", () => {
    expect(() => new CsvEventsExporter({ ...RUN, tscHz: 0n }, () => {})).toThrow(
      new RangeError("TrueTime: expected a frequency of at least 1 Hz, got 0"),
    );
  });
});
