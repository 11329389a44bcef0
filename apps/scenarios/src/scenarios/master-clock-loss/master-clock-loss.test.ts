import { describe, expect, it } from "vitest";
import { ChronovisorError } from "../../errors.js";
import { parseKernel } from "../../kernels/kernels.js";
import { addVcpu, buildClockMachine } from "../../machine/clock-machine.js";
import { HPET } from "../../machine/host/chipset-counter.js";
import { KvmVm } from "../../machine/kvm/kvm-vm.js";
import { parseParams } from "../../params/parse-params.js";
import { runToJson } from "../../scenario/json.js";
import type { RunHooks } from "../../scenario/types.js";
import { storyRuns, value } from "../fixtures/story-runs.js";
import { causesOf } from "./causes.js";
import { masterClockLoss } from "./index.js";
import { dueSteps } from "./live-through.js";
import { buildLossMachine } from "./machine.js";

/** Every run is also held to what is expected of it. */
const { run } = storyRuns(masterClockLoss);

/** The named columns of every step of a run of one cause. */
function steps(kernel: string, cause: string, names: readonly string[], set: Record<string, string> = {}) {
  const tables = Object.values(run(kernel, { cause, ...set }).tables);
  const cell = (name: string, line: number) =>
    tables.flatMap(
      ({ columns, rows }) => rows[line]?.[columns.findIndex((column) => column.name === name)] ?? [],
    )[0];
  return (tables[0]?.rows ?? []).map((_, line) => names.map((name) => cell(name, line)));
}

const STATE = ["master", "stable", "updates"] as const;
const EQUAL_FREQUENCY = "v7.3 + masterClockTsc=equal-frequency";

/** docs/model/scenarios-clock §S6 (a). */
describe("a TSC offset of one cycle on vCPU 1", () => {
  it.each(["v4.5", "v6.1", "v6.12", "v7.3"])(
    "turns %s's master clock off, on both it is on again",
    (kernel) => {
      expect(steps(kernel, "offset", STATE)).toEqual([
        ["off", "clear", 1n],
        ["on", "set", 1n],
      ]);
    },
  );

  it.each([
    ["0ns", 0n],
    ["1ns", 1n],
    ["50ns", 50n],
    ["5us", 5_000n],
  ])(
    "leaves the clocks apart by what passes between KVM's reads, %s, and the guest's clamp holds vCPU 0",
    (gap, ns) => {
      const [off, on] = steps("v6.12", "offset", ["apart", "held"], { gap });
      expect(off).toEqual([ns, ns]);
      expect(on).toEqual([0n, 0n]);
    },
  );

  it("throws the clock by its drift: once when it goes off, and since then once more", () => {
    expect(steps("v7.3", "offset", ["jump"])).toEqual([[-59_373n], [-14_843n]]);
    expect(steps("v6.12", "offset", ["jump"], { age: "1d" })[0]).toEqual([-5_129_726n]);
  });

  it("only takes TSC_STABLE where frequencies are to be equal, and nobody sets it again", () => {
    expect(steps(EQUAL_FREQUENCY, "offset", [...STATE, "apart"])).toEqual([
      ["on", "clear", 1n, 0n],
      ["on", "clear", 0n, 0n],
    ]);
  });

  it("and then leaves vCPU 0's clock off by its own offset, for which no update is asked", () => {
    const set = { offset: "2_500_000cycles" };
    expect(steps(EQUAL_FREQUENCY, "offset", ["jump", "apart"], set)[1]).toEqual([1_000_000n, -1_000_000n]);
    expect(steps("v7.3", "offset", ["apart"], set)[1]).toEqual([0n]);
  });
});

/** docs/model/scenarios-clock §S6 (b). */
describe("10^9 cycles that the guest adds to vCPU 1's TSC", () => {
  const FIGURES = ["master", "updates", "apart", "apartLater", "tscApart"] as const;

  it.each(["v6.12", "v6.18"])(
    "put its clock 400 ms ahead in %s until the periodic sync comes by",
    (kernel) => {
      expect(steps(kernel, "tsc-write", FIGURES)).toEqual([
        ["on", 0n, 400_000_000n, 0n, 1_000_000_000n],
        ["on", 0n, 0n, 0n, 1_000_000_000n],
      ]);
      expect(steps(kernel, "tsc-write", ["apartLater"], { dwell: "199s" })[0]).toEqual([400_000_000n]);
    },
  );

  it.each(["v6.19", "v7.3", "v6.18 + gratuitousGlobal=without-master-clock"])(
    "and in %s until user space asks for an update",
    (kernel) => {
      expect(steps(kernel, "tsc-write", FIGURES)).toEqual([
        ["on", 0n, 400_000_000n, 400_000_000n, 1_000_000_000n],
        ["on", 0n, 0n, 0n, 1_000_000_000n],
      ]);
    },
  );

  it("leave what is published as it was", () => {
    const params = parseParams(masterClockLoss.params, { cause: "tsc-write" });
    const due = causesOf(params).flatMap((cause) => dueSteps(cause, params));
    const { host, guest } = buildLossMachine(params, parseKernel("v7.3").axes, due);
    host.engine.runUntil(host.tscAt(params.age));
    const before = guest.area(1).slice();
    host.engine.runUntil(host.tscAt(params.age + params.dwell / 2n));
    expect(guest.area(1)).toEqual(before);
  });

  it("by TSC_ADJUST move the TSC alone", () => {
    expect(steps("v6.12", "tsc-adjust", FIGURES)).toEqual([["on", 0n, 0n, 0n, 1_000_000_000n]]);
  });
});

/** docs/model/scenarios-clock §S6 (c). */
it.each(["v6.12", "v7.3", EQUAL_FREQUENCY])(
  "the boot vCPU's old MSR turns %s's master clock off, the new one on",
  (kernel) => {
    expect(steps(kernel, "old-msr", STATE)).toEqual([
      ["off", "clear", 1n],
      ["on", "set", 1n],
    ]);
  },
);

/** docs/model/scenarios-clock §S6 (d). */
describe("a host whose clocksource becomes hpet", () => {
  it.each([
    ["v6.12", 2n],
    ["v7.3", 2n],
    ["v7.3 + masterClockRequests=once", 1n],
  ])(
    "turns %s's master clock off with %i references; back on tsc it stays off until something asks",
    (kernel, each) => {
      expect(steps(kernel, "clocksource", STATE)).toEqual([
        ["off", "clear", each],
        ["off", "clear", 0n],
        ["on", "set", 1n],
      ]);
    },
  );

  it("does so to every VM it has", () => {
    const { axes } = parseKernel("v6.12");
    const { host, kvm, vm } = buildClockMachine({
      hostKhz: 2_500_000n,
      guestKhz: 0n,
      vcpus: 2,
      spareCpus: 1,
      axes,
    });
    const other = new KvmVm(kvm, { guestKhz: 2_500_000, vendor: "vmx", axes });
    addVcpu(host, other, axes);
    for (const vcpu of [...vm.vcpus, ...other.vcpus]) {
      vcpu.start("spins", function* (cpu) {
        for (;;) yield cpu.run();
      });
    }
    const onMaster = (): boolean[] => [vm, other].map(({ clock }) => clock.reference.useMasterClock);
    host.engine.runUntil(host.tscAt(1_000_000_000n));
    expect(onMaster()).toEqual([true, true]);
    kvm.changeClocksource(HPET);
    host.engine.runUntil(host.tscAt(1_100_000_000n));
    expect(onMaster()).toEqual([true, true]);
    for (const vcpu of [...vm.vcpus, ...other.vcpus]) vcpu.forceExit();
    host.engine.runUntil(host.tscAt(1_200_000_000n));
    expect(onMaster()).toEqual([false, false]);
  });
});

/** docs/model/scenarios-clock §S6 (e). */
it.each([
  ["v6.1", 1n, -59_373n],
  ["v6.6", 1n, -59_373n],
  ["v6.7", 0n, 0n],
  ["v6.12", 0n, 0n],
])("a third vCPU that matches makes %s take %i references", (kernel, updates, jump) => {
  expect(steps(kernel, "hotplug", ["master", "updates", "jump"])).toEqual([["on", updates, jump]]);
});

describe("the scenario", () => {
  it("is lived through by all causes, each in a VM of its own", () => {
    const result = run("v7.3");
    expect(value(result, "lostBy")).toBe("offset old-msr clocksource");
    expect(result.tables.state?.rows).toHaveLength(11);
    expect(value(run(EQUAL_FREQUENCY), "lostBy")).toBe("old-msr clocksource");
  });

  it("plots a guest's write of the TSC, or the cause it is of", () => {
    const points = run("v6.18").series.apart?.points ?? [];
    const ahead = points.filter(([, ns]) => ns === 400_000_000n).map(([at]) => at);
    expect([ahead[0], ahead[ahead.length - 1]]).toEqual([50_012_000_000n, 249_992_800_000n]);
    expect(run("v6.18", { cause: "offset" }).series.apart?.title).toMatch(/TSC offset/);
  });

  it("gives the same bytes for the same request", () => {
    const json = (): string => JSON.stringify(runToJson(run("v6.12")));
    expect(json()).toBe(json());
  });

  it.each([
    ["v6.18", {}, "v6.18: 3 of 6 causes turn the master clock off, and clocks stay 100 ns apart"],
    ["v7.3", {}, "v7.3: 3 of 6 causes turn the master clock off, and clocks stay 400 ms apart"],
    ["v7.3", { cause: "hotplug" }, "v7.3: the master clock stays on, and the vCPUs' clocks stay together"],
    ["v7.3", { cause: "old-msr" }, "v7.3: the master clock goes off, and clocks stay 100 ns apart"],
  ])("says in one line what became of %s with %o", (kernel, set, verdict) => {
    expect(masterClockLoss.verdict(run(kernel, set), kernel)).toBe(verdict);
  });

  it("refuses a cause it does not know", () => {
    expect(() => run("v7.3", { cause: "reboot" })).toThrow(ChronovisorError);
  });

  it("stops when it is told to, and ends its progress where it said it would", () => {
    const stop = new AbortController();
    const onFirst: RunHooks["onProgress"] = () => stop.abort(new Error("enough"));
    expect(() => run("v7.3", {}, { signal: stop.signal, onProgress: onFirst })).toThrow("enough");
    let last = { simulatedNs: 0n, totalNs: 1n };
    run("v7.3", {}, { onProgress: (progress) => (last = progress) });
    expect(last.simulatedNs).toBe(last.totalNs);
    expect(masterClockLoss.lengthNs(parseParams(masterClockLoss.params, {}))).toBe(last.totalNs);
  });
});
