import type { KvmclockNs } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { guest, KERNEL_6_12 } from "../../test/guest.js";
import { Runstate, type RunstateAttribute, type RunstateValue, type XenLayout } from "../index.js";

const [RUNNING, RUNNABLE, BLOCKED, OFFLINE] = [0, 1, 2, 3] as const;
const U64 = 2n ** 64n;
const KEEP = U64 - 1n;

interface Clocks {
  now: bigint;
  waited: bigint;
}

function make(runstate: "wrap" | "clamped" = "wrap", layout: XenLayout = "64-bit") {
  const { vm } = guest({ ...KERNEL_6_12, runstate });
  vm.setLongMode(layout);
  const clocks: Clocks = { now: 1_000n, waited: 0n };
  const options = { vm, kvmclockNs: () => clocks.now as KvmclockNs, runDelayNs: () => clocks.waited };
  return { vm, clocks, options, runstate: new Runstate(options) };
}

const attribute = (
  state: bigint,
  entryTimeNs: bigint,
  ...timesNs: [bigint, bigint, bigint, bigint]
): RunstateAttribute => ({ state, entryTimeNs, timesNs });

describe("accounting", () => {
  it("a vCPU never updated was offline since the guest clock's 0", () => {
    const { runstate } = make();
    runstate.update(RUNNING);
    expect(runstate.timesNs).toEqual([0n, 0n, 0n, 1_000n]);
  });

  it("takes waiting out of running, as runnable; and out of nothing else", () => {
    const { runstate, clocks } = make();
    runstate.update(RUNNING);
    Object.assign(clocks, { now: 1_500n, waited: 200n });
    runstate.update(BLOCKED);
    Object.assign(clocks, { now: 1_900n, waited: 900n });
    runstate.update(RUNNING);
    clocks.now = 2_000n;
    runstate.update(RUNNABLE);
    expect(runstate.timesNs).toEqual([400n, 200n, 400n, 1_000n]);
    expect([runstate.current, runstate.entryTimeNs]).toEqual([RUNNABLE, 2_000n]);
  });

  it.each([
    ["wrap", U64 - 300n],
    ["clamped", 0n],
  ] as const)("a clock that stepped back: %s", (rule, blocked) => {
    const { runstate, clocks } = make(rule);
    runstate.update(BLOCKED);
    clocks.now = 700n;
    runstate.update(RUNNING);
    expect(runstate.timesNs).toEqual([0n, 0n, blocked, 1_000n]);
    expect(runstate.entryTimeNs).toBe(700n);
  });

  it.each([
    ["wrap", [U64 - 50n, 150n, 0n, 1_000n]],
    ["clamped", [0n, 100n, 0n, 1_000n]],
  ] as const)("more waiting than time passed: %s", (rule, times) => {
    const { runstate, clocks } = make(rule);
    runstate.update(RUNNING);
    Object.assign(clocks, { now: 1_100n, waited: 150n });
    runstate.update(BLOCKED);
    expect(runstate.timesNs).toEqual(times);
  });

  it("adds up to the entry time under every sequence, mod 2^64 (wrap)", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.bigInt({ min: 0n, max: U64 - 1n }), fc.nat()), { maxLength: 20 }),
        (steps) => {
          const { runstate, clocks } = make();
          for (const [next, now, waited] of steps) {
            // Never 0: that entry time means "never ran".
            clocks.now = now === 0n ? 1n : now;
            clocks.waited += BigInt(waited);
            runstate.update(next as RunstateValue);
          }
          const sum = runstate.timesNs.reduce((total, ns) => total + ns, 0n);
          expect(sum % U64).toBe(runstate.entryTimeNs);
        },
      ),
    );
  });

  it("never goes negative when clamped, whatever the clocks do", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat()), { maxLength: 20 }), (steps) => {
        const { runstate, clocks } = make("clamped");
        for (const [next, now, waited] of steps) {
          Object.assign(clocks, { now: BigInt(now), waited: clocks.waited + BigInt(waited) });
          runstate.update(next as RunstateValue);
        }
        for (const ns of runstate.timesNs) expect(ns < 2n ** 63n).toBe(true);
      }),
    );
  });
});

describe("the guest's copy", () => {
  const LAYOUTS = [
    ["64-bit", 48, 8],
    ["32-bit", 44, 4],
  ] as const;

  it.each(LAYOUTS)("%s: %i bytes, entry time at %i, straddling pages at any byte", (layout, size, entry) => {
    for (let split = 0; split <= size; split++) {
      const { runstate, clocks } = make("wrap", layout);
      runstate.update(RUNNING);
      clocks.now = 1_500n;
      runstate.update(BLOCKED);
      const [first, second] = [new Uint8Array(split), new Uint8Array(size - split)];
      expect(runstate.register(first, second)).toBe(0);
      const whole = new DataView(Uint8Array.from([...first, ...second]).buffer);
      expect(whole.getInt32(0, true)).toBe(BLOCKED);
      const fields = [0, 1, 2, 3, 4].map((i) => whole.getBigUint64(entry + 8 * i, true));
      expect(fields).toEqual([1_500n, 500n, 0n, 0n, 1_000n]);
    }
  });

  it.each(["on", "off"] as const)("ends without the update flag (%s)", (flag) => {
    const { vm, runstate } = make();
    vm.setRunstateUpdateFlag(flag);
    const bytes = new Uint8Array(48);
    runstate.register(bytes);
    runstate.update(RUNNING);
    expect(new DataView(bytes.buffer).getBigUint64(8, true)).toBe(1_000n);
  });

  it("is written flag first, flag last", () => {
    const { vm, runstate } = make();
    vm.setRunstateUpdateFlag("on");
    const bytes = new Uint8Array(48);
    runstate.register(bytes);
    const writes: [number, number][] = [];
    const spied = runstate.area.writeU8.bind(runstate.area);
    runstate.area.writeU8 = (offset, value) => {
      writes.push([offset, value & 0xff]);
      spied(offset, value);
    };
    runstate.update(RUNNING);
    expect([writes[0], writes.at(-1)]).toEqual([
      [15, 0x80],
      [15, 0],
    ]);
    expect(writes.slice(1, -1).find(([offset]) => offset === 15)).toEqual([15, 0x80]);
  });

  it("of a preempted vCPU may be skipped, and is made good at the next load", () => {
    const { runstate } = make();
    const bytes = new Uint8Array(48);
    runstate.register(bytes);
    runstate.area.invalidate();
    runstate.update(RUNNABLE);
    expect(bytes[0]).toBe(0);
    runstate.update(BLOCKED);
    expect(bytes[0]).toBe(BLOCKED);
  });

  it("is left alone where the area is too short for the layout in force", () => {
    const { vm, runstate } = make("wrap", "32-bit");
    const bytes = new Uint8Array(44);
    runstate.register(bytes);
    vm.setLongMode("64-bit");
    runstate.update(OFFLINE);
    expect(bytes[0]).toBe(0);
  });
});

describe("attributes", () => {
  it("DATA takes everything over and counts waiting from now on", () => {
    const { runstate, clocks } = make();
    clocks.waited = 5_000n;
    const data = attribute(0n, 900n, 100n, 200n, 300n, 300n);
    expect(runstate.setData(data)).toBe(0);
    expect(runstate.getData()).toEqual(data);
    runstate.update(BLOCKED);
    expect(runstate.timesNs).toEqual([200n, 200n, 300n, 300n]);
  });

  it.each([
    ["a state above 3", attribute(4n, 0n, 0n, 0n, 0n, 0n)],
    ["keeping the state", attribute(KEEP, 0n, 0n, 0n, 0n, 0n)],
    ["times that do not add up", attribute(0n, 900n, 100n, 200n, 300n, 301n)],
    ["an entry ahead of the clock", attribute(0n, 1_001n, 1_001n, 0n, 0n, 0n)],
  ])("DATA refuses %s", (_title, data) => {
    const { runstate } = make();
    expect(runstate.setData(data)).toBe(-22);
    expect(runstate.entryTimeNs).toBe(0n);
  });

  it("DATA takes an entry time of exactly now", () => {
    expect(make().runstate.setData(attribute(0n, 1_000n, 1_000n, 0n, 0n, 0n))).toBe(0);
  });

  it("ADJUST adds, mod 2^64, and enters the state", () => {
    const { runstate, clocks } = make();
    runstate.setData(attribute(2n, 900n, 100n, 200n, 300n, 300n));
    clocks.now = 1_200n;
    expect(runstate.adjust(attribute(0n, U64 - 100n, U64 - 100n, 0n, 0n, 0n))).toBe(0);
    expect([runstate.current, runstate.entryTimeNs]).toEqual([RUNNING, 1_200n]);
    expect(runstate.timesNs).toEqual([0n, 200n, 700n, 300n]);
  });

  it("ADJUST keeps the state, and shows the guest", () => {
    const { runstate } = make();
    runstate.setData(attribute(2n, 900n, 100n, 200n, 300n, 300n));
    const bytes = new Uint8Array(48);
    runstate.register(bytes);
    expect(runstate.adjust(attribute(KEEP, 100n, 0n, 0n, 100n, 0n))).toBe(0);
    expect([runstate.current, runstate.entryTimeNs]).toEqual([BLOCKED, 1_000n]);
    expect(new DataView(bytes.buffer).getBigUint64(8, true)).toBe(1_000n);
  });

  it.each([
    ["a state of 4", attribute(4n, 0n, 0n, 0n, 0n, 0n)],
    ["times that do not add up", attribute(KEEP, 1n, 0n, 0n, 0n, 0n)],
    ["a sum ahead of the clock", attribute(KEEP, 101n, 101n, 0n, 0n, 0n)],
  ])("ADJUST refuses %s", (_title, change) => {
    const { runstate } = make();
    runstate.setData(attribute(2n, 900n, 900n, 0n, 0n, 0n));
    expect(runstate.adjust(change)).toBe(-22);
    expect(runstate.entryTimeNs).toBe(900n);
  });

  it("CURRENT enters a state, 0 to 3", () => {
    const { runstate } = make();
    expect([runstate.setCurrent(2n), runstate.setCurrent(4n), runstate.current]).toEqual([0, -22, BLOCKED]);
  });

  it("are refused by a host without scheduler statistics", () => {
    const { options } = make();
    const runstate = new Runstate({ vm: options.vm, kvmclockNs: options.kvmclockNs });
    const data = attribute(0n, 0n, 0n, 0n, 0n, 0n);
    expect([
      runstate.register(new Uint8Array(48)),
      runstate.setCurrent(0n),
      runstate.setData(data),
      runstate.adjust(data),
      runstate.getData(),
    ]).toEqual([-95, -95, -95, -95, -95]);
  });
});

describe("its state", () => {
  it("round trips", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(), fc.nat()), { maxLength: 10 }), (steps) => {
        const { runstate, clocks, options } = make();
        const bytes = new Uint8Array(48);
        runstate.register(bytes);
        for (const [next, passed, waited] of steps) {
          clocks.now += BigInt(passed);
          clocks.waited += BigInt(waited);
          runstate.update(next as RunstateValue);
        }
        const state = JSON.parse(JSON.stringify(runstate.state()));
        const restored = Runstate.fromState(state, options, [bytes]);
        expect(restored.state()).toEqual(runstate.state());
        clocks.now += 5n;
        runstate.update(RUNNING);
        restored.update(RUNNING);
        expect(restored.state()).toEqual(runstate.state());
      }),
    );
  });

  const { runstate, options } = make();
  const state = runstate.state();
  it.each([
    ["a state of 4", () => Runstate.fromState({ ...state, state: 4 as 3 }, options)],
    ["three times", () => Runstate.fromState({ ...state, timesNs: ["0", "0", "0"] }, options)],
    ["a time below 0", () => Runstate.fromState({ ...state, timesNs: ["-1", "0", "0", "0"] }, options)],
    ["an entry below 0", () => Runstate.fromState({ ...state, entryTimeNs: "-1" }, options)],
    ["steal of 2^64", () => Runstate.fromState({ ...state, lastStealNs: U64.toString() }, options)],
    ["an area without bytes", () => Runstate.fromState({ ...state, area: { mapping: "mapped" } }, options)],
    ["an update to 4", () => runstate.update(4 as 3)],
    ["a current state below 0", () => runstate.setCurrent(-1n)],
    ["data below 0", () => runstate.setData(attribute(0n, -1n, 0n, 0n, 0n, 0n))],
    ["an adjustment of 2^64", () => runstate.adjust(attribute(0n, 0n, 0n, 0n, 0n, U64))],
    ["an area of 43 bytes", () => runstate.register(new Uint8Array(43))],
  ])("or a call refuses %s", (_title, act) => {
    expect(act).toThrow(RangeError);
  });
});
