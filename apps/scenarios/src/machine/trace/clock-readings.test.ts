import { EventLog, type TraceEvent } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { xenTimerBehaviours } from "../../kernels/xen-behaviours.js";
import { parseParams } from "../../params/parse-params.js";
import { GuestReferenceTsc } from "../../programs/reference-tsc.js";
import { buildXenMachine } from "../../scenarios/xen-accuracy/machine.js";
import { xenAccuracyParams } from "../../scenarios/xen-accuracy/params.js";
import { buildClockMachine } from "../clock-machine.js";
import { nominalNs } from "./clock-readings.js";
import { TraceOrder } from "./trace-order.js";

const S = 1_000_000_000n;
const HZ = 3_000_000_000n;

const reading = (event: TraceEvent | undefined, name: string): bigint | undefined =>
  event?.kind === "clocks" ? event.clocks.find(([each]) => each === name)?.[1] : undefined;

describe("a counter by its nominal frequency", () => {
  it.each([
    ["2.5 GHz after a second", 2_500_000_000n, 2_500_000, S],
    ["3 GHz after a cycle, rounded down", 1n, 3_000_000, 0n],
    ["a negative one, rounded towards zero", -4n, 3_000_000, -1n],
    ["one of no frequency yet", 5n, 0, 0n],
  ])("is nanoseconds: %s", (_title, tsc, khz, ns) => {
    expect(nominalNs(tsc, khz)).toBe(ns);
  });
});

describe("Hyper-V's reference time", () => {
  /** A guest at 2.5 GHz on a host at 3 GHz that reads its reference time, while its trace does. */
  function readings(kernel: string) {
    const log = new EventLog();
    const machine = buildClockMachine({
      hostKhz: HZ / 1_000n,
      guestKhz: 2_500_000n,
      hyperv: "present",
      axes: parseKernel(kernel).axes,
      openTrace: () => new TraceOrder(log),
    });
    const { host, vm } = machine;
    const [vcpu] = vm.vcpus;
    const reference = new GuestReferenceTsc(vm.memory);
    const seen: { readonly from: string; readonly guest: bigint; readonly traced: bigint | undefined }[] = [];
    vcpu?.start("reads its reference time", function* (cpu) {
      const look = (): void => {
        const { time, from } = reference.read(cpu);
        host.trace?.clocks.readNow();
        seen.push({ from, guest: time * 100n, traced: reading(log.ofKind("clocks").at(-1), "hv_ref.vcpu0") });
      };
      const until = (ms: bigint) => cpu.run((cpu.rdtsc() + ms * 2_500_000n) as ReturnType<typeof cpu.rdtsc>);
      yield until(15n);
      look();
      reference.enable(cpu);
      yield until(100_000n);
      look();
      reference.disable(cpu);
      look();
      reference.enable(cpu);
      yield until(1n);
      look();
      for (;;) yield cpu.run();
    });
    host.engine.runUntil(host.tscAt(200n * S));
    return { seen, log };
  }

  it.each(["v6.12", "v7.3 + getClock=via-guest-tsc", "v7.3 + getClock=via-guest-tsc + guestKhz=hz"])(
    "is traced as the guest reads it, by counter and page: %s",
    (kernel) => {
      const { seen } = readings(kernel);
      expect(seen.map(({ from }) => from)).toEqual(["counter", "page", "counter", "page"]);
      expect(seen.map(({ traced }) => traced)).toEqual(seen.map(({ guest }) => guest));
    },
  );

  it("is told before and after the page is named, and before and after it is taken away", () => {
    const { log } = readings("v6.12");
    const clocks = log.ofKind("clocks");
    const steps = clocks.flatMap((event, i) => {
      const before = clocks[i - 1];
      if (before?.at !== event.at) return [];
      const step = (reading(event, "hv_ref.vcpu0") ?? 0n) - (reading(before, "hv_ref.vcpu0") ?? 0n);
      return step === 0n ? [] : [step];
    });
    // After 100 s the counter is 400 ns a second behind the page. Named anew, the page says what it said, until KVM writes it by a new
    // reference, which is the host's clock: 59 ns a second behind the counter.
    expect(steps).toEqual([-40_000n, 40_000n, -45_900n]);
  });
});

describe("Xen's clock", () => {
  it("is traced as its guest reads it", () => {
    const log = new EventLog();
    const { axes } = parseKernel("v6.12");
    const xen = xenTimerBehaviours(axes);
    if (xen === undefined) throw new Error("v6.12 has Xen timers");
    const machine = buildXenMachine(
      parseParams(xenAccuracyParams, {}),
      { xen, axes },
      () => new TraceOrder(log),
    );
    machine.host.engine.runUntil(machine.host.tscAt(S));
    machine.host.trace?.clocks.readNow();
    expect(reading(log.ofKind("clocks").at(-1), "xen.vcpu0")).toBe(machine.guest.clockNs());
  });
});
