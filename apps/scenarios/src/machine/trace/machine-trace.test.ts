import { MSR_KVM_SYSTEM_TIME_NEW } from "@chronovisor/pvclock";
import { EventLog, type TraceEvent } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine, type ClockMachine } from "../clock-machine.js";
import { hostOf, recordingTimer, startOn, tick } from "../fixtures/many-cpus.js";
import type { TracedMachine } from "./open-trace.js";
import { TraceOrder } from "./trace-order.js";

const MS = 1_000_000n;
const S = 1_000_000_000n;
const HZ = 2_500_000_000n;
// Redeclared from include/linux/hrtimer.h.
const ABS = 0;
const PINNED = 2;

const { axes } = parseKernel("v6.12");

/** A VM of two vCPUs whose clocks are published, at 2.5 GHz. */
function vmOf(kvmAxes = axes): ClockMachine & { readonly log: EventLog; readonly heads: TracedMachine[] } {
  const log = new EventLog();
  const heads: TracedMachine[] = [];
  const machine = buildClockMachine({
    hostKhz: 2_500_000n,
    guestKhz: 0n,
    vcpus: 2,
    spareCpus: 1,
    axes: kvmAxes,
    openTrace: (head) => {
      heads.push(head);
      return new TraceOrder(log);
    },
  });
  for (const [i, vcpu] of machine.vm.vcpus.entries()) {
    vcpu.start("has its clock published", function* (cpu) {
      cpu.wrmsr(MSR_KVM_SYSTEM_TIME_NEW, BigInt(0x1001 + 0x1000 * i));
      for (;;) yield cpu.run();
    });
  }
  return { ...machine, log, heads };
}

const reading = (event: TraceEvent | undefined, name: string): bigint | undefined =>
  event?.kind === "clocks" ? event.clocks.find(([each]) => each === name)?.[1] : undefined;

describe("the readings of the clocks", () => {
  it("come every 10 ms, each at its instant, also where nothing happens for long", () => {
    const { host, log, heads } = vmOf();
    host.engine.runUntil(host.tscAt(S));
    const read = log.ofKind("clocks");
    expect(heads).toEqual([{ tscHz: HZ, tscKhz: 2_500_000, cpus: 3, vcpus: 2 }]);
    expect(read.map(({ at }) => at)).toEqual(
      Array.from({ length: 101 }, (_, i) => host.tscAt(BigInt(i) * 10n * MS)),
    );
    expect(read[1]?.clocks.map(([name]) => name)).toEqual([
      "CLOCK_REALTIME",
      "CLOCK_MONOTONIC",
      "CLOCK_MONOTONIC_RAW",
      "CLOCK_BOOTTIME",
      "CLOCK_TAI",
      "host_tsc",
      "guest_tsc.vcpu0",
      "kvmclock.vcpu0",
      "guest_tsc.vcpu1",
      "kvmclock.vcpu1",
    ]);
    // 25 million cycles: 9 999 999.94 ns by mult 6710886 and shift 24; the counter itself is exact.
    expect(reading(read[1], "CLOCK_MONOTONIC")).toBe(9_999_999n);
    expect(reading(read[1], "guest_tsc.vcpu1")).toBe(10n * MS);
  });

  it("come half as often after every 10 000", () => {
    const { host, log } = vmOf();
    host.engine.runUntil(host.tscAt(301n * S));
    const at = log.ofKind("clocks").map(({ at }) => host.trueNs(at));
    expect(at.slice(9_998, 10_002)).toEqual([99_980n, 99_990n, 100_010n, 100_030n].map((ms) => ms * MS));
    expect(at.slice(19_999, 20_002)).toEqual([299_990n, 300_030n, 300_070n].map((ms) => ms * MS));
  });

  it("come before and after a step, at its instant, and tell it", () => {
    const { host, vm, log } = vmOf();
    host.engine.runUntil(host.tscAt(86_400n * S));
    const boot = vm.clock.vcpus[0];
    const now = host.engine.now;
    const before = boot?.readAt(now);
    vm.clock.requestMasterClockUpdates();
    host.engine.runUntil(now);
    const pair = log.ofKind("clocks").filter(({ at }) => at === now);
    const [from, to] = pair.slice(-4).map((event) => reading(event, "kvmclock.vcpu0"));
    expect([from, to]).toEqual([before, boot?.readAt(now)]);
    expect((to ?? 0n) - (from ?? 0n)).toBe(-5_129_725n);
  });

  it("come before and after the date is set and a counter is", () => {
    const { host, vm, log } = vmOf();
    host.engine.runUntil(host.tscAt(5n * MS));
    host.clock.timekeeper.settimeofday({ sec: 1_000n, nsec: 0n });
    const [from, to] = log.ofKind("clocks").slice(-2);
    expect([reading(from, "CLOCK_REALTIME"), reading(to, "CLOCK_REALTIME")]).toEqual([
      4_999_999n,
      1_000n * S,
    ]);
    expect(reading(from, "CLOCK_MONOTONIC")).toBe(reading(to, "CLOCK_MONOTONIC"));
    const counter = vm.counters.vcpus[1];
    if (counter !== undefined) vm.counters.setTscOffset(counter, counter.l1Offset + 2_500_000n);
    const [less, more] = log.ofKind("clocks").slice(-2);
    const gained = (name: string): bigint => (reading(more, name) ?? 0n) - (reading(less, name) ?? 0n);
    expect([gained("guest_tsc.vcpu0"), gained("guest_tsc.vcpu1"), gained("kvmclock.vcpu1")]).toEqual([
      0n,
      MS,
      MS,
    ]);
  });
});

describe("what KVM does to clocks", () => {
  it("is told as its tracepoints tell it", () => {
    const { host, vm, log } = vmOf();
    host.engine.runUntil(host.tscAt(MS));
    expect(log.ofKind("tsc-offset")).toMatchObject([
      { vcpu: 0, from: 0n, to: 0n },
      { vcpu: 1, from: 0n, to: 0n },
    ]);
    expect(log.ofKind("tsc-matched")).toMatchObject([
      { vcpu: 0, matched: 0, online: 1, clocksource: "tsc" },
      { vcpu: 1, matched: 1, online: 2, clocksource: "tsc" },
    ]);
    expect(log.ofKind("master-clock").at(-1)).toMatchObject({
      masterClock: "on",
      matched: "yes",
      clocksource: "tsc",
    });
    const published = log
      .ofKind("pvclock-update")
      .filter(({ vcpu }) => vcpu === 1)
      .at(-1);
    expect(published).toMatchObject({ ...vm.clock.vcpus[1]?.cached });
  });
});

describe("a host that sleeps", () => {
  it("tells where its axis goes on, with the clocks before and after", () => {
    const { host, kvm, log } = vmOf();
    host.engine.runUntil(host.tscAt(MS));
    kvm.sleep({ ns: S, tsc: { resetTo: 7n } });
    expect(log.ofKind("epoch")).toMatchObject([
      { at: 0n, ns: 0n },
      { at: 7n, ns: S + MS },
    ]);
    const clocks = log.ofKind("clocks");
    const asleep = clocks.filter(({ at }) => at === HZ / 1_000n).at(-1);
    expect(reading(asleep, "CLOCK_BOOTTIME")).toBe(999_999n);
    expect(reading(clocks.at(-1), "CLOCK_BOOTTIME")).toBe(S + 999_999n);
  });
});

describe("a host of several CPUs", () => {
  it("tells what each runs, its interrupts, and where timers are queued and expire", () => {
    const log = new EventLog();
    const host = hostOf([{ load: "busy" }, { tick: tick(10n * MS) }], { trace: new TraceOrder(log) });
    const taken: [number, bigint][] = [];
    const timer = recordingTimer(host, taken, 5n);
    startOn(host, 1, timer, 3n * MS, ABS | PINNED);
    startOn(host, 1, timer, 4n * MS, ABS | PINNED);
    host.engine.runUntil(host.tscAt(5n * MS));
    const told = log.events().filter(({ kind }) => kind !== "clocks" && kind !== "epoch");
    expect(told).toEqual([
      { kind: "cpu-runs", at: 0n, cpu: 0, what: "idle" },
      { kind: "cpu-runs", at: 0n, cpu: 1, what: "idle" },
      { kind: "cpu-runs", at: 0n, cpu: 0, what: "work" },
      ...(["idle", "armed"] as const).map((was, i) => ({
        kind: "hrtimer-start",
        at: 0n,
        cpu: 1,
        timer: 1,
        name: timer.name,
        expiresNs: BigInt(3 + i) * MS,
        mode: "ABS|PINNED",
        was,
      })),
      { kind: "irq-begin", at: 4n * MS, cpu: 1, what: "timer" },
      { kind: "hrtimer-expire", at: 4n * MS, cpu: 1, timer: 1, name: timer.name, nowNs: 4n * MS },
      { kind: "hrtimer-done", at: 4n * MS + 5n, cpu: 1, timer: 1 },
      { kind: "irq-end", at: 4n * MS + 5n, cpu: 1 },
    ]);
  });
});
