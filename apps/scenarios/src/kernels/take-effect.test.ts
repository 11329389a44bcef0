import type { GuestTsc } from "@chronovisor/clocksource";
import { LVTT_PERIODIC, SVR_APIC_ENABLED } from "@chronovisor/lapic";
import { describe, expect, it } from "vitest";
import { buildClockMachine } from "../machine/clock-machine.js";
import { X2APIC_LVTT, X2APIC_SVR, X2APIC_TMCCT, X2APIC_TMICT, X2APIC_TPR } from "../machine/guest/guest.js";
import { buildLapicMachine } from "../machine/lapic-machine.js";
import { simulate } from "../simulate.js";
import { AXES } from "./axes.js";
import { axisValues, newestRelease, parseKernel } from "./kernels.js";

const KHZ = 1_000_000n;
const axesOf = (kernel: string): Readonly<Record<string, string>> => parseKernel(kernel).axes;

function lapicMachine(kernel: string) {
  const free = { exitCost: 0n, entryCost: 0n, immediateExitCost: 0n, callbackCost: 0n, minDelta: 0n };
  const oneGHz = { hostKhz: KHZ, hostHz: 1_000_000_000n, guestKhz: KHZ, monoRatePpb: 0n, busNs: 1n };
  return buildLapicMachine({ ...oneGHz, ...free, clock: "tsc", axes: axesOf(kernel) });
}

describe("a behaviour that is set", () => {
  it.each([
    ["v6.9", "unsigned"],
    ["v6.10", "safe"],
    ["v6.12 + delta=unsigned", "unsigned"],
  ])("is that of the host's clock: %s reads %s", (kernel, form) => {
    const machines = [
      lapicMachine(kernel),
      buildClockMachine({ hostKhz: KHZ, guestKhz: 0n, axes: axesOf(kernel) }),
    ];
    expect(machines.map(({ host }) => host.clock.timekeeper.state().cyclesToNs)).toEqual([form, form]);
  });

  it.each([
    ["v6.12", 5_000_000n - 1_000_000n],
    ["v6.12 + timerModeChange=sdm", 0n],
  ])(
    "is that of the guest's local APIC: on %s a timer of 5 ms has %s ns to go after 1 ms",
    (kernel, left) => {
      const { host, vcpu } = lapicMachine(kernel);
      const counts: unknown[] = [];
      vcpu.start("changes its timer's mode", function* (cpu) {
        cpu.wrmsr(X2APIC_SVR, SVR_APIC_ENABLED | 0xff);
        cpu.wrmsr(X2APIC_LVTT, 0xec);
        cpu.wrmsr(X2APIC_TMICT, 2_500_000);
        yield cpu.run(1_000_000n as GuestTsc);
        cpu.wrmsr(X2APIC_LVTT, LVTT_PERIODIC | 0xec);
        counts.push(cpu.rdmsr(X2APIC_TMCCT));
      });
      host.engine.runUntil(host.tscAt(2_000_000n));
      expect(counts.map(Number)).toEqual([Number(left / 2n)]);
    },
  );

  it.each([
    ["v6.12", "ok"],
    ["v6.12 + x2apicReservedBits=sdm", "fault"],
  ])("decides what its MSRs take: on %s a reserved bit is %s", (kernel, outcome) => {
    const { host, vcpu } = lapicMachine(kernel);
    const written: string[] = [];
    vcpu.start("writes a reserved bit", function* (cpu) {
      written.push(cpu.wrmsr(X2APIC_TPR, 0x100));
      yield cpu.halt();
    });
    host.engine.runUntil(host.tscAt(1_000_000n));
    expect(written).toEqual([outcome]);
  });
});

/** One story per kind of machine, short. */
const STORIES: ReadonlyArray<readonly [string, Readonly<Record<string, string>>]> = [
  ["xen-accuracy", {}],
  ["tsc-watchdog", { length: "1m" }],
  ["long-stop", { stop: "1s" }],
];

describe.each(STORIES)("%s", (id, set) => {
  it("does not turn on what the table says no story turns on", () => {
    const measured = (kernel: string): unknown => simulate(id, { kernel, set }).observations;
    const plain = measured(newestRelease);
    for (const { name, use } of AXES) {
      if (use !== "no-story") continue;
      for (const value of axisValues(name)) {
        expect([name, value, measured(`${newestRelease} + ${name}=${value}`)]).toEqual([name, value, plain]);
      }
    }
  });
});
