import { type GuestTsc, hostTsc, type MonotonicNs } from "@chronovisor/clocksource";
import type { TraceEvent } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { StandingState } from "./standing-state.js";

type WithoutAt<E> = E extends unknown ? Omit<E, "at"> : never;
type Told = WithoutAt<TraceEvent>;

/** What stands after events, each a cycle after the one before. */
function standing(...events: readonly Told[]): readonly Told[] {
  const state = new StandingState();
  for (const [i, event] of events.entries()) state.take({ ...event, at: hostTsc(BigInt(i)) } as TraceEvent);
  return state.events().map(({ at: _at, ...event }) => event as Told);
}

const runs: Told = { kind: "cpu-runs", cpu: 0, what: "vcpu", vcpu: 0 };
const idle: Told = { kind: "cpu-runs", cpu: 0, what: "idle" };
const irq: Told = { kind: "irq-begin", cpu: 0, what: "timer" };
const start: Told = {
  kind: "hrtimer-start",
  cpu: 0,
  timer: 1,
  name: "apic_timer_fn",
  expiresNs: 5n,
  mode: "ABS",
  was: "idle",
};
const expire: Told = { kind: "hrtimer-expire", cpu: 0, timer: 1, name: "apic_timer_fn", nowNs: 5n };
const armed: Told = { kind: "timer-armed", vcpu: 0, backend: "hrtimer", deadline: 5n, flow: 1 };
const hv: Told = { kind: "timer-armed", vcpu: 0, backend: "preemption-timer", deadline: 5n, flow: 2 };
const inject: Told = { kind: "inject", vcpu: 0, vector: 0xec, coalesced: "no" };
const taken: Told = { kind: "acknowledge", vcpu: 0, vector: 0xec };
const exit: Told = { kind: "vm-exit", vcpu: 0, reason: "HLT" };
const host: Told = { kind: "vcpu-state", vcpu: 0, state: "host" };
const guest: Told = { kind: "vcpu-state", vcpu: 0, state: "guest" };
const lag = (value: bigint, vcpu?: number): Told => ({
  kind: "counter",
  name: "lag",
  unit: "ns",
  value,
  ...(vcpu === undefined ? {} : { vcpu }),
});

describe("what stands", () => {
  it.each<[string, Told[], Told[]]>([
    ["what a CPU runs", [runs, idle], [idle]],
    ["of each CPU", [runs, { ...idle, cpu: 1 } as Told], [runs, { ...idle, cpu: 1 } as Told]],
    ["an interrupt in what it runs", [runs, irq], [runs, irq]],
    ["not one that is over", [runs, irq, { kind: "irq-end", cpu: 0 }], [runs]],
    ["what a CPU goes on to after its interrupt", [runs, irq, idle], [irq, idle]],
    ["a timer that is armed", [start], [start]],
    [
      "at its newest time, as the first",
      [start, { ...start, expiresNs: 9n, was: "armed" } as Told],
      [{ ...start, expiresNs: 9n } as Told],
    ],
    ["not one that was cancelled", [start, { kind: "hrtimer-cancel", cpu: 0, timer: 1 }], []],
    ["a callback instead of its timer", [start, expire], [expire]],
    ["not one that returned", [start, expire, { kind: "hrtimer-done", cpu: 0, timer: 1 }], []],
    ["a callback that started its timer again", [start, expire, start], [expire, start]],
    ["where a vCPU is", [guest, host], [host]],
    ["why it left the guest", [guest, exit, host], [exit, host]],
    ["not an exit that was handled at once", [guest, exit, runs, host], [runs, host]],
    ["not an exit it came back from", [exit, host, guest], [guest]],
    ["each backend that is armed", [armed, hv], [armed, hv]],
    [
      "not one that was cancelled",
      [armed, hv, { kind: "timer-disarmed", vcpu: 0, backend: "hrtimer" }],
      [hv],
    ],
    [
      "not one that fired",
      [armed, { kind: "timer-expired", vcpu: 0, source: "callback", outcome: "pending" }],
      [],
    ],
    [
      "not one that ran down",
      [hv, { kind: "timer-expired", vcpu: 0, source: "preemption-timer", outcome: "pending" }],
      [],
    ],
    [
      "one that was armed while a start found its deadline past",
      [armed, { kind: "timer-expired", vcpu: 0, source: "hv-start", outcome: "pending" }],
      [armed],
    ],
    ["an interrupt that waits", [inject], [inject]],
    ["one in service instead", [inject, taken], [taken]],
    ["both", [inject, taken, inject], [taken, inject]],
    ["not one that ended", [inject, taken, { kind: "eoi", vcpu: 0, vector: 0xec }], []],
    ["the newest value of each counter", [lag(1n, 0), lag(2n), lag(3n, 0)], [lag(2n), lag(3n, 0)]],
    [
      "an offset",
      [{ kind: "tsc-offset", vcpu: 0, from: 0n, to: 7n }],
      [{ kind: "tsc-offset", vcpu: 0, from: 0n, to: 7n }],
    ],
    [
      "the master clock",
      [{ kind: "master-clock", masterClock: "on", clocksource: "tsc", matched: "yes" }],
      [{ kind: "master-clock", masterClock: "on", clocksource: "tsc", matched: "yes" }],
    ],
  ])("is %s", (_title, events, expected) => {
    expect(standing(...events)).toEqual(expected);
  });

  it.each<Told>([
    { kind: "epoch", ns: 0n },
    { kind: "clocks", clocks: [] },
    { kind: "msr-write", vcpu: 0, msr: 0x838, value: 1n },
    { kind: "xen-set-timer", vcpu: 0, deadlineNs: 1n },
    { kind: "preemption-timer-exit", vcpu: 0 },
    { kind: "hrtimer-callback", vcpu: 0, cpu: 0 },
    { kind: "hrtimer-catch-up", vcpu: 0, cpu: 0, count: 3n },
    { kind: "timer-advanced", vcpu: 0, targetNs: 1n as MonotonicNs, deadlineTsc: 1n as GuestTsc },
    { kind: "backend", vcpu: 0, backend: "hrtimer", reason: "halt" },
    { kind: "kick", vcpu: 0 },
    { kind: "note", vcpu: 0, text: "tick" },
    { kind: "warning", vcpu: 0, text: "lost" },
  ])("is nothing of $kind", (event) => {
    expect(standing(event)).toEqual([]);
  });
});
