import { hostTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import { RUN } from "../../test/random-events.js";
import type { TraceEvent } from "../events.js";
import { TimelineLayout, type TimelineOptions } from "./layout.js";
import type { CounterRow, Row, Timeline } from "./timeline.js";

/** What a layout draws, a line a call: `ns call row name`. */
function drawn(events: readonly TraceEvent[], options: TimelineOptions = {}): readonly string[] {
  const calls: string[] = [];
  const rowName = ({ owner, title }: Row | CounterRow): string =>
    `${owner.kind}${"index" in owner ? owner.index : ""}${title === undefined ? "" : ` ${title}`}`;
  const timeline: Timeline = {
    begin: (ns, row, { name }) => calls.push(`${ns} begin ${rowName(row)}: ${name}`),
    end: (ns, row) => calls.push(`${ns} end ${rowName(row)}`),
    instant: (ns, row, { name }) => calls.push(`${ns} instant ${rowName(row)}: ${name}`),
    beginSpan: (ns, { row, id, mark }) => calls.push(`${ns} begin ${rowName(row)} (${id}): ${mark.name}`),
    endSpan: (ns, { row, id }, args) =>
      calls.push(`${ns} end ${rowName(row)} (${id}): ${args.map(([, value]) => value)}`),
    counter: (ns, row, value) => calls.push(`${ns} counter ${rowName(row)}: ${value}`),
    snapshot: (ns, clocks) => calls.push(`${ns} snapshot ${clocks.map(([, read]) => read)}`),
  };
  const run = { ...RUN, tscHz: 1_000_000_000n };
  const layout = new TimelineLayout(run, options, { createTimeline: () => timeline, fnName: "Test" });
  for (const event of events) layout.emit(event);
  layout.end();
  return calls;
}

const at = hostTsc;

describe("a CPU", () => {
  const runs = (ns: bigint, what: "idle" | "work"): TraceEvent => ({
    kind: "cpu-runs",
    at: at(ns),
    cpu: 0,
    what,
  });
  const irq = (ns: bigint): TraceEvent => ({ kind: "irq-begin", at: at(ns), cpu: 0, what: "ipi" });
  const irqEnd = (ns: bigint): TraceEvent => ({ kind: "irq-end", at: at(ns), cpu: 0 });
  const expire = (ns: bigint, timer: number): TraceEvent => ({
    kind: "hrtimer-expire",
    at: at(ns),
    cpu: 0,
    timer,
    name: `timer ${timer}`,
    nowNs: ns,
  });
  const done = (ns: bigint, timer: number): TraceEvent => ({
    kind: "hrtimer-done",
    at: at(ns),
    cpu: 0,
    timer,
  });

  it("switches when the interrupt is over that asked for it, to the last that was asked", () => {
    expect(
      drawn([runs(0n, "idle"), irq(1n), runs(2n, "idle"), runs(2n, "work"), irqEnd(3n), runs(4n, "idle")]),
    ).toEqual([
      "0 begin cpu0: idle",
      "1 begin cpu0: irq:ipi",
      "3 end cpu0",
      "3 end cpu0",
      "3 begin cpu0: work",
      "4 end cpu0",
      "4 begin cpu0: idle",
      "4 end cpu0",
    ]);
  });

  it("ends with an interrupt the callbacks that are open in it", () => {
    expect(drawn([irq(1n), expire(2n, 1), expire(3n, 2), irqEnd(4n), done(5n, 1)])).toEqual([
      "1 begin cpu0: irq:ipi",
      "2 begin cpu0: timer 1",
      "3 begin cpu0: timer 2",
      "4 end cpu0",
      "4 end cpu0",
      "4 end cpu0",
    ]);
  });

  it("ends one callback of two at a time, by its timer", () => {
    expect(drawn([expire(1n, 1), done(2n, 1), expire(2n, 2), done(2n, 1), done(3n, 2)])).toEqual([
      "1 begin cpu0: timer 1",
      "2 end cpu0",
      "2 begin cpu0: timer 2",
      "3 end cpu0",
    ]);
  });

  it("leaves out the end of what began before the trace", () => {
    expect(drawn([irqEnd(1n), done(1n, 3)])).toEqual([]);
  });
});

describe("an hrtimer", () => {
  const start = (ns: bigint, cpu: number): TraceEvent => ({
    kind: "hrtimer-start",
    at: at(ns),
    cpu,
    timer: 7,
    name: "tick",
    expiresNs: 9n,
    mode: "ABS",
    was: "idle",
  });

  it("is armed on the CPU of its last start until it is started, cancelled or expires anywhere", () => {
    expect(
      drawn([
        start(1n, 0),
        start(2n, 1),
        { kind: "hrtimer-cancel", at: at(3n), cpu: 0, timer: 7 },
        { kind: "hrtimer-cancel", at: at(4n), cpu: 0, timer: 7 },
        start(5n, 1),
        { kind: "kick", at: at(6n), vcpu: 0 },
      ]),
    ).toEqual([
      "1 begin cpu0 hrtimer CPU 0 (hrtimer 7): tick",
      "2 end cpu0 hrtimer CPU 0 (hrtimer 7): re-armed",
      "2 begin cpu1 hrtimer CPU 1 (hrtimer 7): tick",
      "3 end cpu1 hrtimer CPU 1 (hrtimer 7): cancelled",
      "5 begin cpu1 hrtimer CPU 1 (hrtimer 7): tick",
      "6 instant vcpu0: kick",
      "6 end cpu1 hrtimer CPU 1 (hrtimer 7): still armed",
    ]);
  });
});

describe("a vCPU", () => {
  const exit = (ns: bigint, vcpu: number, reason: string): TraceEvent => ({
    kind: "vm-exit",
    at: at(ns),
    vcpu,
    reason,
  });
  const state = (ns: bigint, vcpu: number, to: "guest" | "host" | "blocked"): TraceEvent => ({
    kind: "vcpu-state",
    at: at(ns),
    vcpu,
    state: to,
  });

  it("names the slice after an exit by its reason, and what it does next by its state", () => {
    expect(
      drawn([
        state(0n, 0, "guest"),
        exit(1n, 0, "HLT"),
        state(1n, 0, "host"),
        state(2n, 0, "blocked"),
        state(3n, 0, "host"),
      ]),
    ).toEqual([
      "0 begin vcpu0: guest",
      "1 end vcpu0",
      "1 begin vcpu0: exit: HLT",
      "2 end vcpu0",
      "2 begin vcpu0: halted",
      "3 end vcpu0",
      "3 begin vcpu0: host",
      "3 end vcpu0",
    ]);
  });

  it("draws an exit as an instant where the guest goes on, or another vCPU's event comes first", () => {
    expect(
      drawn([exit(1n, 0, "MSR_READ"), exit(1n, 1, "HLT"), state(2n, 0, "host"), exit(3n, 1, "MSR_WRITE")]),
    ).toEqual([
      "1 instant vcpu0: exit: MSR_READ",
      "1 instant vcpu1: exit: HLT",
      "2 begin vcpu0: exit: MSR_READ",
      "3 instant vcpu1: exit: MSR_WRITE",
      "3 end vcpu0",
    ]);
  });

  it("has a span per backend, which the start of the other does not end", () => {
    const arm = (ns: bigint, backend: "hrtimer" | "preemption-timer"): TraceEvent => ({
      kind: "timer-armed",
      at: at(ns),
      vcpu: 0,
      backend,
      deadline: 9n,
    });
    expect(
      drawn([
        arm(1n, "hrtimer"),
        arm(2n, "preemption-timer"),
        { kind: "timer-disarmed", at: at(2n), vcpu: 0, backend: "hrtimer" },
        { kind: "timer-expired", at: at(3n), vcpu: 0, source: "software-start", outcome: "pending" },
        { kind: "timer-expired", at: at(4n), vcpu: 0, source: "preemption-timer", outcome: "injected" },
        arm(5n, "hrtimer"),
        arm(6n, "hrtimer"),
      ]),
    ).toEqual([
      "1 begin vcpu0 LAPIC timer (hrtimer): armed: hrtimer",
      "2 begin vcpu0 LAPIC timer (preemption-timer): armed: preemption-timer",
      "2 end vcpu0 LAPIC timer (hrtimer): cancelled",
      "3 instant vcpu0: timer expired: pending",
      "4 end vcpu0 LAPIC timer (preemption-timer): injected",
      "4 instant vcpu0: timer expired: injected",
      "5 begin vcpu0 LAPIC timer (hrtimer): armed: hrtimer",
      "6 end vcpu0 LAPIC timer (hrtimer): re-armed",
      "6 begin vcpu0 LAPIC timer (hrtimer): armed: hrtimer",
      "6 end vcpu0 LAPIC timer (hrtimer): still armed",
    ]);
  });

  it.each<[string, TraceEvent, string]>([
    [
      "a register by its name",
      { kind: "msr-write", at: at(0n), vcpu: 0, msr: 0x6e0, value: 1n },
      "vcpu0: wrmsr IA32_TSC_DEADLINE",
    ],
    [
      "any other by its number",
      { kind: "msr-write", at: at(0n), vcpu: 1, msr: 0xabc, value: 1n },
      "vcpu1: wrmsr 0xabc",
    ],
    [
      "an end of interrupt of no vector",
      { kind: "eoi", at: at(0n), vcpu: 0, vector: undefined },
      "vcpu0: eoi",
    ],
    [
      "a timer that is asked of Xen",
      { kind: "xen-set-timer", at: at(0n), vcpu: 0, deadlineNs: 5n },
      "vcpu0: xen: set timer",
    ],
    ["a warning", { kind: "warning", at: at(0n), vcpu: 0, text: "late" }, "vcpu0: warning: late"],
    [
      "a TSC offset",
      { kind: "tsc-offset", at: at(0n), vcpu: 1, from: 0n, to: 1n },
      "vcpu1 kvmclock: TSC offset",
    ],
    [
      "the VM's master clock",
      { kind: "master-clock", at: at(0n), masterClock: "off", clocksource: "none", matched: "no" },
      "vm master clock: master clock off",
    ],
  ])("shows %s", (_title, event, shown) => {
    expect(drawn([event])).toEqual([`0 instant ${shown}`]);
  });
});

describe("the clocks", () => {
  const clocks = (ns: bigint, read: bigint): TraceEvent => ({
    kind: "clocks",
    at: at(ns),
    clocks: [["xen.vcpu1", read]],
  });

  it("are drawn once per distance, and before and after a step", () => {
    expect(
      drawn(
        [
          clocks(0n, 100n),
          clocks(9n, 109n),
          clocks(10n, 111n),
          clocks(15n, 116n),
          clocks(15n, 216n),
          clocks(15n, 216n),
          clocks(16n, 217n),
        ],
        {
          clockSnapshotNs: 10n,
        },
      ),
    ).toEqual([
      "0 snapshot 100",
      "0 counter vcpu1 xen − true (ns): 0",
      "10 snapshot 111",
      "10 counter vcpu1 xen − true (ns): 1",
      "15 snapshot 116",
      "15 counter vcpu1 xen − true (ns): 1",
      "15 snapshot 216",
      "15 counter vcpu1 xen − true (ns): 101",
    ]);
  });

  it("are drawn half as often after 10 000 readings, and half as often again", () => {
    const events = Array.from({ length: 60_001 }, (_, i) => clocks(BigInt(i), BigInt(i)));
    const times = drawn(events, { clockSnapshotNs: 1n })
      .filter((call) => call.includes("snapshot"))
      .map((call) => Number(call.split(" ")[0]));
    expect(times.length).toBe(10_000 + 10_000 + 7_500);
    expect(times.slice(9_998, 10_002)).toEqual([9_998, 9_999, 10_001, 10_003]);
    expect(times.slice(-2)).toEqual([59_995, 59_999]);
  });
});
