import { hostTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EVENTS_PER_TICK, HALTING_GUEST, haltingGuest } from "../../test/halting-guest.js";
import { anyEvents, RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import type { TraceRun } from "../exporter.js";
import { ChromeExporter } from "./chrome-exporter.js";
import { microseconds } from "./trace-text.js";

/** 1 GHz: a cycle is a nanosecond. */
const GHZ: TraceRun = { ...RUN, tscHz: 1_000_000_000n, tscKhz: 1_000_000, cpus: 2, vcpus: 1 };

interface ChromeEvent {
  readonly ph: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly cat?: string;
  readonly name: string;
  readonly id?: string;
  readonly args?: Readonly<Record<string, string | number>>;
}

interface ChromeTrace {
  readonly displayTimeUnit: string;
  readonly otherData: unknown;
  readonly traceEvents: readonly ChromeEvent[];
}

function exported(events: Iterable<TraceEvent>, run: TraceRun = GHZ): string {
  let text = "";
  const exporter = new ChromeExporter(run, (piece) => {
    text += piece;
  });
  for (const event of events) exporter.emit(event);
  exporter.end();
  return text;
}

function parsed(text: string): ChromeTrace {
  return JSON.parse(text) as ChromeTrace;
}

/** Lines of the events that are no metadata, without what every line has. */
function lines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith('{"ph":') && !line.startsWith('{"ph":"M"'))
    .map((line) => line.replace(/,$/, "").replace(/"hostTsc":"\d+",?/, ""));
}

/** Throws at the first thing a viewer would draw wrong: what does not nest, match, or come in order. */
function checkDrawable({ traceEvents }: ChromeTrace): void {
  const begun = new Map<string, string[]>();
  const spans = new Set<string>();
  const flows = new Set<string>();
  const stateEnds = new Map<number, number>();
  for (const { ph, ts, dur = 0, pid, tid, cat, name, id } of traceEvents) {
    const thread = `${pid}/${tid}`;
    const key = `${cat} ${name} ${id}`;
    const names = begun.get(thread) ?? [];
    begun.set(thread, names);
    if (ph === "B") names.push(name);
    if (ph === "E" && names.pop() !== name) throw new Error(`E ${name} does not nest`);
    if (ph === "b" && spans.has(key)) throw new Error(`b ${key} is open`);
    if (ph === "b") spans.add(key);
    if (ph === "e" && !spans.delete(key)) throw new Error(`e ${key} is not open`);
    if (ph === "s" && flows.has(key)) throw new Error(`s ${key} began before`);
    if (ph === "s") flows.add(key);
    if (ph === "X") {
      if (ts < (stateEnds.get(tid) ?? 0)) throw new Error(`X ${name} overlaps`);
      stateEnds.set(tid, ts + dur);
    }
  }
  for (const [thread, names] of begun) if (names.length > 0) throw new Error(`${thread} has ${names} open`);
  if (spans.size > 0) throw new Error(`${[...spans]} are open`);
}

const at = hostTsc;

describe("ChromeExporter", () => {
  it("draws states complete, interrupts nested, timers async, and arrows from the arming to the end of interrupt", () => {
    const thread = '"pid":100,"tid":1000';
    const cpu = '"pid":1,"tid":2';
    const text = exported([
      { kind: "vcpu-state", at: at(0n), vcpu: 0, state: "guest" },
      { kind: "timer-armed", at: at(12n), vcpu: 0, backend: "hrtimer", deadline: 2n ** 64n - 1n, flow: 1 },
      { kind: "irq-begin", at: at(1_000n), cpu: 1, what: "timer" },
      { kind: "hrtimer-callback", at: at(1_001n), vcpu: 0, cpu: 1, flow: 1 },
      { kind: "timer-expired", at: at(1_001n), vcpu: 0, source: "callback", outcome: "posted" },
      { kind: "irq-end", at: at(1_003n), cpu: 1 },
      { kind: "counter", at: at(1_010n), name: "lag", unit: "ns", value: -(2n ** 63n), vcpu: 0 },
      { kind: "eoi", at: at(1_013n), vcpu: 0, vector: 0xec, flow: 1 },
      { kind: "vcpu-state", at: at(1_234_567n), vcpu: 0, state: "blocked" },
    ]);
    expect(lines(text)).toEqual([
      `{"ph":"b","ts":0.012,${thread},"cat":"lapic","name":"armed: hrtimer","id":"vCPU 0 hrtimer","args":{"backend":"hrtimer","expiresNs":"18446744073709551615"}}`,
      `{"ph":"s","ts":0.012,${thread},"cat":"flow","name":"timer","id":"1"}`,
      `{"ph":"B","ts":1.000,${cpu},"cat":"irq","name":"irq:timer","args":{}}`,
      `{"ph":"i","ts":1.001,${cpu},"cat":"lapic","name":"LAPIC timer callback","s":"t","args":{"vcpu":0}}`,
      `{"ph":"t","ts":1.001,${cpu},"cat":"flow","name":"timer","id":"1"}`,
      `{"ph":"e","ts":1.001,${thread},"cat":"lapic","name":"armed: hrtimer","id":"vCPU 0 hrtimer","args":{"outcome":"posted"}}`,
      `{"ph":"i","ts":1.001,${thread},"cat":"lapic","name":"timer expired: posted","s":"t","args":{"source":"callback"}}`,
      `{"ph":"E","ts":1.003,${cpu},"name":"irq:timer"}`,
      `{"ph":"C","ts":1.010,${thread},"name":"lag (ns)","id":"vCPU 0","args":{"value":-9223372036854775808}}`,
      `{"ph":"i","ts":1.013,${thread},"cat":"lapic","name":"eoi 0xec","s":"t","args":{}}`,
      `{"ph":"f","ts":1.013,${thread},"cat":"flow","name":"timer","id":"1","bp":"e"}`,
      `{"ph":"X","ts":0.000,${thread},"cat":"vcpu","name":"guest","dur":1234.567,"args":{}}`,
      `{"ph":"X","ts":1234.567,${thread},"cat":"vcpu","name":"halted","dur":0.000,"args":{}}`,
    ]);
  });

  it("says what the trace is of, and names processes and threads", () => {
    const { displayTimeUnit, otherData, traceEvents } = parsed(exported([]));
    expect(displayTimeUnit).toBe("ns");
    expect(otherData).toEqual({
      scenario: "any run",
      kernel: "v6.12 + tdcr=immediate",
      params: { periodNs: "1000000" },
      seed: 7,
      tscHz: "1000000000",
      tscKhz: 1_000_000,
    });
    const named = traceEvents.filter(({ name }) => name === "process_name" || name === "thread_name");
    expect(named.map(({ pid, tid, args }) => [pid, tid, args?.name])).toEqual([
      [1, 1, "host A"],
      [1, 1, "CPU 0"],
      [1, 2, "CPU 1"],
      [100, 100, "VM 0"],
      [100, 1000, "CPU 0/KVM"],
    ]);
  });

  it("draws whatever happens in whatever order as what nests, matches and closes, the same every time", () => {
    fc.assert(
      fc.property(anyEvents, (events) => {
        const text = exported(events, RUN);
        expect(() => checkDrawable(parsed(text))).not.toThrow();
        expect(exported(events, RUN)).toBe(text);
      }),
    );
  });

  it("writes any text a guest may say", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { traceEvents } = parsed(exported([{ kind: "note", at: at(0n), vcpu: 0, text }]));
        expect(traceEvents.at(-1)?.name).toBe(text);
      }),
    );
  });

  it("begins no arrow at its end", () => {
    const eoi: TraceEvent = { kind: "eoi", at: at(0n), vcpu: 0, vector: 1, flow: 4 };
    expect(parsed(exported([eoi])).traceEvents.filter(({ cat }) => cat === "flow")).toEqual([]);
  });

  it("draws the drift of every clock that is read", () => {
    const clocks = (tsc: bigint, ns: bigint): TraceEvent => ({
      kind: "clocks",
      at: at(tsc),
      clocks: [["CLOCK_MONOTONIC", ns]],
    });
    expect(lines(exported([clocks(0n, 500n), clocks(10_000_000n, 10_000_493n)]))).toEqual([
      '{"ph":"C","ts":0.000,"pid":1,"tid":1,"name":"CLOCK_MONOTONIC − true (ns)","args":{"value":0}}',
      '{"ph":"C","ts":10000.000,"pid":1,"tid":1,"name":"CLOCK_MONOTONIC − true (ns)","args":{"value":-7}}',
    ]);
  });

  it("takes 177 bytes per event of a 1 kHz guest that halts", () => {
    const { length } = exported(haltingGuest(2_000), HALTING_GUEST);
    expect(Math.round(length / (2_000 * EVENTS_PER_TICK))).toBe(177);
  });

  it("writes a long run in pieces of whole lines", () => {
    const pieces: string[] = [];
    const exporter = new ChromeExporter(GHZ, (piece) => pieces.push(piece));
    for (let i = 0; i < 50_000; i++) {
      const tsc = at(BigInt(i) * 1_000n);
      exporter.emit({
        kind: "hrtimer-start",
        at: tsc,
        cpu: 0,
        timer: i,
        name: "t",
        expiresNs: tsc,
        mode: "ABS",
        was: "idle",
      });
      exporter.emit({ kind: "hrtimer-cancel", at: tsc, cpu: 0, timer: i });
    }
    exporter.end();
    expect(pieces.slice(0, -1).every((piece) => piece.length >= 65_536 && piece.length < 65_536 + 512)).toBe(
      true,
    );
    expect(pieces.slice(0, -1).every((piece) => /[}[],?$/.test(piece))).toBe(true);
    expect(() => checkDrawable(parsed(pieces.join("")))).not.toThrow();
  });
});

describe("microseconds", () => {
  it.each([
    [0n, "0.000"],
    [1n, "0.001"],
    [999n, "0.999"],
    [1_000n, "1.000"],
    [4_398_046_511_103_999n, "4398046511103.999"],
  ])("of %i ns are %s", (ns, text) => {
    expect(microseconds(ns)).toBe(text);
  });

  it("are read back to the nanosecond by a viewer that multiplies a double by 1000, up to 2^42 µs", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 42n * 1_000n - 1n), (ns) => {
        expect(BigInt(Math.round(Number(microseconds(ns)) * 1_000))).toBe(ns);
      }),
    );
  });
});

describe("a mistake of the caller", () => {
  const kick = (tsc: bigint): TraceEvent => ({ kind: "kick", at: at(tsc), vcpu: 0 });

  it.each<[string, () => unknown, string]>([
    ["no CPU", () => exported([], { ...GHZ, cpus: 0 }), "ChromeExporter: expected 1 to 65536 CPUs, got 0"],
    [
      "readings without end",
      () => new ChromeExporter(GHZ, () => undefined, { clockSnapshotNs: -1n }),
      "ChromeExporter: expected a clockSnapshotNs of at least 1n, got -1",
    ],
    [
      "an event of the past",
      () => exported([kick(5n), kick(4n)]),
      "ChromeExporter.emit: expected events in order of time, got kick at 4 ns after 5 ns",
    ],
    [
      "a run of 50.9 days",
      () => exported([kick(2n ** 42n * 1_000n)]),
      "ChromeExporter.emit: expected a run below 2^42 µs, 50.9 days (PerfettoExporter takes longer ones), got kick at 4398046511104000 ns",
    ],
  ])("is refused: %s", (_title, mistake, message) => {
    expect(mistake).toThrow(new RangeError(message));
  });

  it("is refused: an event after the end, which may itself be repeated; the last nanosecond before the limit is not", () => {
    let text = "";
    const exporter = new ChromeExporter(GHZ, (piece) => {
      text += piece;
    });
    exporter.emit(kick(2n ** 42n * 1_000n - 1n));
    exporter.end();
    exporter.end();
    expect(parsed(text).traceEvents.at(-1)?.ts).toBe(4_398_046_511_103.999);
    expect(() => exporter.emit(kick(0n))).toThrow(
      new RangeError("ChromeExporter.emit: expected no event after end(), got kick"),
    );
  });
});
