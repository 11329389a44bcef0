import {
  type TraceEvent,
  type TraceRun,
  TraceTextReader,
  type TraceTextRecord,
  TrueTime,
} from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { readTrace } from "../../../../packages/trace/test/perfetto/read-trace.js";
import { runToJson } from "../scenario/json.js";
import type { RunResult } from "../scenario/types.js";
import { scenarios } from "../scenarios/index.js";
import { type SimulateOptions, simulate } from "../simulate.js";
import { exportRun, type PlayRun } from "./export-run.js";
import { exportFormats } from "./formats.js";

/** Each story as short as it still shows itself. */
const SHORT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "periodic-drift": { duration: "100ms" },
  "pinned-timer": { timers: "20" },
  "ntp-slew": { offset: "50ms", longWait: "3s" },
  "xen-accuracy": { age: "1s" },
  "master-clock-yank": { age: "1m" },
  "set-clock-pause": {},
  "tsc-watchdog": { length: "5s" },
  "master-clock-loss": { cause: "hotplug", age: "10s", dwell: "2s" },
  "non-master-anchors": { age: "10s", moves: "3" },
  "host-suspend": { age: "1m", sleep: "1m", reference: "1m" },
  "hyperv-page": { age: "1m" },
  "live-migration": { age: "1m", watch: "1m" },
  "long-stop": { stop: "1s" },
};

interface Recorded {
  readonly head: TraceRun;
  readonly events: readonly TraceEvent[];
  readonly result: RunResult;
}

function optionsOf(id: string): SimulateOptions {
  const scenario = scenarios.find((one) => one.id === id);
  return { kernel: scenario?.variants.before ?? "", set: SHORT[id] ?? {} };
}

function record(id: string, options: SimulateOptions = optionsOf(id)): Recorded {
  const events: TraceEvent[] = [];
  const heads: TraceRun[] = [];
  const result = simulate(id, {
    ...options,
    hooks: {
      trace: (run) => {
        heads.push(run);
        return heads.length === 1 ? { emit: (event) => events.push(event) } : undefined;
      },
    },
  });
  const [head] = heads;
  if (head === undefined) throw new Error(`${id} shows no machine`);
  return { head, events, result };
}

function exported(format: string, { head, events }: Recorded): Buffer {
  const pieces: Uint8Array[] = [];
  const play: PlayRun<void> = ({ trace }) => {
    const sink = trace(head);
    for (const event of events) sink?.emit(event);
  };
  exportRun(format, play, (piece) => pieces.push(Buffer.from(piece)));
  return Buffer.concat(pieces);
}

const recorded = new Map<string, Recorded>();
function once(id: string): Recorded {
  const known = recorded.get(id) ?? record(id);
  recorded.set(id, known);
  return known;
}

describe.each(scenarios.map(({ id }) => id))("what happens in %s", (id) => {
  it("is told without a change to what comes of it", () => {
    const { head, result } = once(id);
    expect(JSON.stringify(runToJson(result))).toBe(JSON.stringify(runToJson(simulate(id, optionsOf(id)))));
    expect(head).toMatchObject({ scenario: id, kernel: result.kernel, seed: 1 });
    expect(head.params).toMatchObject(SHORT[id] ?? {});
  });

  it("is told in order of time, from the start on", () => {
    const { head, events } = once(id);
    const time = new TrueTime(head.tscHz);
    let lastNs = 0n;
    for (const event of events) {
      time.note(event);
      const ns = time.at(event.at);
      expect(ns >= lastNs, `${event.kind} at ${ns} ns comes after ${lastNs} ns`).toBe(true);
      lastNs = ns;
    }
    expect(events[0]).toMatchObject({ kind: "epoch", ns: 0n });
    expect(lastNs > 0n).toBe(true);
  });

  it("has its clocks read every 10 ms, true to the clocks", () => {
    const { head, events } = once(id);
    const time = new TrueTime(head.tscHz);
    const read = events.flatMap((event) => {
      time.note(event);
      return event.kind === "clocks" ? [{ ns: time.at(event.at), clocks: event.clocks }] : [];
    });
    const names = read[0]?.clocks.map(([name]) => name) ?? [];
    expect(names.slice(0, 4)).toEqual([
      "CLOCK_REALTIME",
      "CLOCK_MONOTONIC",
      "CLOCK_MONOTONIC_RAW",
      "CLOCK_BOOTTIME",
    ]);
    expect(names).toContain("guest_tsc.vcpu0");
    expect(read.every(({ clocks }) => clocks.every(([name], i) => name === names[i]))).toBe(true);
    expect(read.length).toBeGreaterThan(5);
    for (const name of ["CLOCK_MONOTONIC", "CLOCK_MONOTONIC_RAW"]) {
      const ascending = read.map(({ clocks }) => clocks.find(([each]) => each === name)?.[1] ?? 0n);
      expect(ascending.every((ns, i) => i === 0 || ns >= (ascending[i - 1] ?? 0n))).toBe(true);
    }
  });

  it.each(exportFormats.map(({ name }) => name))("is written as %s", (format) => {
    const file = exported(format, once(id));
    expect(file.length).toBeGreaterThan(100);
    if (format === "perfetto") {
      const { events, snapshots } = readTrace(file);
      expect(events.length).toBeGreaterThan(10);
      expect(snapshots.length).toBeGreaterThan(5);
    }
    if (format === "chrome") expect(JSON.parse(file.toString("utf8")).traceEvents.length).toBeGreaterThan(10);
  });
});

/** The lines of a log as its reader has them. */
function linesOf(log: Buffer): readonly TraceTextRecord[] {
  const records: TraceTextRecord[] = [];
  const reader = new TraceTextReader({ onRecord: (record) => records.push(record) });
  reader.write(log.toString("utf8"));
  reader.end();
  return records;
}

describe("the log of pinned-timer", () => {
  it.each([
    ["v4.5", "timers expire away from their vCPU"],
    ["v4.6", "every timer expires where its vCPU is"],
  ])("of %s says that %s", (kernel) => {
    const run = record("pinned-timer", { kernel, set: { timers: "20" } });
    const lines = linesOf(exported("ftrace", run));
    const expiries = lines.filter(
      ({ event, fields }) => event === "hrtimer_expire_entry" && fields.function === "apic_timer_fn",
    );
    const injections = lines.filter(({ event }) => event === "kvm_inj_virq");
    expect([expiries.length, injections.length]).toEqual([20, 20]);
    expect(new Set(injections.map(({ cpu }) => cpu))).toEqual(new Set([1]));
    const elsewhere = expiries.filter(({ cpu }) => cpu !== 1);
    expect(BigInt(elsewhere.length)).toBe(run.result.observations.elsewhere?.value);
    expect(elsewhere.length > 0).toBe(kernel === "v4.5");
  });
});
