/** Any run: events of every kind in order of time, in any order of kinds, as no machine would emit them. */
import { guestTsc, hostTsc, monotonicNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import type { TraceEvent } from "../src/events.js";
import type { TraceRun } from "../src/exporter.js";

export const RUN: TraceRun = {
  scenario: "any run",
  kernel: "v6.12 + tdcr=immediate",
  params: { periodNs: "1000000" },
  seed: 7,
  tscHz: 3_000_000_000n,
  tscKhz: 2_999_999,
  cpus: 2,
  vcpus: 2,
};

type Timeless<E> = E extends TraceEvent ? Omit<E, "at"> : never;

const vcpu = fc.nat({ max: RUN.vcpus - 1 });
const cpu = fc.nat({ max: RUN.cpus - 1 });
const timer = fc.nat({ max: 4 });
const vector = fc.nat({ max: 255 });
const u64 = fc.bigInt(0n, 2n ** 64n - 1n);
const s64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const onOff = fc.constantFrom("off" as const, "on" as const);
const noYes = fc.constantFrom("no" as const, "yes" as const);
const backend = fc.constantFrom("hrtimer" as const, "preemption-timer" as const);
const clocksource = fc.constantFrom("none" as const, "tsc" as const);
const text = fc.string({ unit: "binary", maxLength: 12 });
const flow = fc.option(fc.nat({ max: 9 }), { nil: undefined });

const kind = <K extends TraceEvent["kind"]>(name: K) => ({ kind: fc.constant(name) });
const inFlow = <E extends object>(shape: fc.Arbitrary<E>) =>
  fc.tuple(shape, flow).map(([event, id]) => (id === undefined ? event : { ...event, flow: id }));

const timeless: fc.Arbitrary<Timeless<TraceEvent>> = fc.oneof(
  inFlow(fc.record({ ...kind("msr-write"), vcpu, msr: fc.constantFrom(0x838, 0x1234), value: u64 })),
  inFlow(fc.record({ ...kind("xen-set-timer"), vcpu, deadlineNs: u64 })),
  inFlow(fc.record({ ...kind("timer-armed"), vcpu, backend, deadline: u64 })),
  inFlow(fc.record({ ...kind("timer-disarmed"), vcpu, backend })),
  inFlow(fc.record({ ...kind("preemption-timer-exit"), vcpu })),
  inFlow(fc.record({ ...kind("hrtimer-callback"), vcpu, cpu })),
  inFlow(fc.record({ ...kind("hrtimer-catch-up"), vcpu, cpu, count: u64 })),
  inFlow(
    fc.record({
      ...kind("timer-expired"),
      vcpu,
      source: fc.constantFrom("callback", "preemption-timer", "software-start", "hv-start"),
      outcome: fc.constantFrom("coalesced", "pending", "injected", "posted"),
    }),
  ),
  inFlow(
    fc.record({
      ...kind("timer-advanced"),
      vcpu,
      targetNs: s64.map(monotonicNs),
      deadlineTsc: u64.map(guestTsc),
    }),
  ),
  inFlow(fc.record({ ...kind("kick"), vcpu })),
  inFlow(fc.record({ ...kind("inject"), vcpu, vector, coalesced: noYes })),
  inFlow(fc.record({ ...kind("acknowledge"), vcpu, vector })),
  inFlow(fc.record({ ...kind("eoi"), vcpu, vector: fc.option(vector, { nil: undefined }) })),
  fc.record({
    ...kind("vcpu-state"),
    vcpu,
    state: fc.constantFrom("guest", "host", "blocked", "userspace", "preempted"),
  }),
  fc.record({ ...kind("vm-exit"), vcpu, reason: fc.constantFrom("HLT", "MSR_WRITE") }),
  inFlow(fc.record({ ...kind("backend"), vcpu, backend, reason: text })),
  fc.record({ ...kind("note"), vcpu, text }),
  fc.record({ ...kind("warning"), vcpu, text }),
  fc.record({
    ...kind("pvclock-update"),
    vcpu,
    version: fc.nat(),
    tscTimestamp: u64,
    systemTime: u64,
    tscToSystemMul: fc.nat({ max: 2 ** 32 - 1 }),
    tscShift: fc.integer({ min: -31, max: 31 }),
    flags: fc.nat({ max: 3 }),
  }),
  fc.record({ ...kind("tsc-offset"), vcpu, from: u64, to: u64 }),
  fc.record({
    ...kind("tsc-matched"),
    vcpu,
    masterClock: onOff,
    matched: fc.nat({ max: 2 }),
    online: fc.nat({ max: 2 }),
    clocksource,
  }),
  fc.record({ ...kind("master-clock"), masterClock: onOff, clocksource, matched: noYes }),
  fc.record({
    ...kind("clocks"),
    clocks: fc
      .tuple(s64, s64, s64)
      .map(([a, b, c]) => [
        ["CLOCK_MONOTONIC", a] as const,
        ["CLOCK_BOOTTIME", b] as const,
        ["kvmclock.vcpu1", c] as const,
      ]),
  }),
  fc.record({
    ...kind("counter"),
    name: fc.constantFrom("lag", "mult"),
    unit: fc.constant("ns" as const),
    value: s64,
  }),
  fc.record({
    ...kind("counter"),
    name: fc.constant("lag"),
    unit: fc.constant("count" as const),
    value: s64,
    vcpu,
  }),
  fc.record({ ...kind("cpu-runs"), cpu, what: fc.constantFrom("idle" as const, "work" as const) }),
  fc.record({ ...kind("cpu-runs"), cpu, what: fc.constant("vcpu" as const), vcpu }),
  fc.record({
    ...kind("hrtimer-start"),
    cpu,
    timer,
    name: fc.constantFrom("tick", "nanosleep"),
    expiresNs: s64,
    mode: fc.constant("ABS|PINNED|HARD"),
    was: fc.constantFrom("armed" as const, "idle" as const),
  }),
  fc.record({ ...kind("hrtimer-expire"), cpu, timer, name: fc.constant("tick"), nowNs: s64 }),
  fc.record({ ...kind("hrtimer-done"), cpu, timer }),
  fc.record({ ...kind("hrtimer-cancel"), cpu, timer }),
  fc.record({ ...kind("irq-begin"), cpu, what: fc.constantFrom("timer" as const, "ipi" as const) }),
  fc.record({ ...kind("irq-end"), cpu }),
);

/** Up to 60 events of `RUN`, some at the same instant. */
export const anyEvents: fc.Arbitrary<readonly TraceEvent[]> = fc
  .array(fc.tuple(fc.constantFrom(0n, 1n, 299n, 50_000_000n), timeless), { maxLength: 60 })
  .map((steps) => {
    let tsc = 0n;
    return steps.map(([gap, event]): TraceEvent => {
      tsc += gap;
      return { ...event, at: hostTsc(tsc) };
    });
  });
