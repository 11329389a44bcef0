import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { runToJson } from "../../scenario/json.js";
import { type RunRequest, runScenario } from "../../scenario/run-scenario.js";
import type { RunResult } from "../../scenario/types.js";
import { simulate } from "../../simulate.js";
import { readDocument } from "../read-document.js";

const MS = 1_000_000n;

function run(text: string, kernel?: string, hooks: RunRequest["hooks"] = {}): RunResult {
  const read = readDocument("machine.yaml", `chronovisor: 1\n${text}`, []);
  const chosen = kernel === undefined ? read.kernel : parseKernel(kernel);
  return runScenario(read.scenario, { kernel: chosen, params: {}, seed: read.seed, hooks });
}

/** The values a document observes, by name. */
function values(text: string, kernel?: string): Record<string, bigint | string | boolean | undefined> {
  const { observations } = run(text, kernel);
  return Object.fromEntries(Object.entries(observations).map(([name, one]) => [name, one?.value]));
}

const TICKING = "vms: [{ vcpus: [{ program: periodic-timer, options: { period: 1ms } }] }]\n";
const QUIET = "host: { tick: off }\n";
const PAIR = "vms: [{ vcpus: [{ program: clock-reader }, { program: clock-reader }] }]\n";

describe("a machine", () => {
  it("loses the ticks that the story of its timer loses, and none once the kernel is mended", () => {
    const text = `host: { ntp: -50ppm, eventDevice: ideal }\n${TICKING}duration: 40s
observe: { due: { quantity: ticks-due }, seen: { quantity: ticks-seen }, lost: { quantity: ticks-lost } }\n`;
    for (const kernel of ["v4.16", "v4.17"]) {
      const story = simulate("periodic-drift", { kernel, set: { duration: "40s", clock: "tsc" } });
      const { due, seen, lost } = story.observations;
      expect(values(text, kernel)).toEqual({ due: due?.value, seen: seen?.value, lost: lost?.value });
    }
  });

  it("has a guest TSC and a kvmclock that are off by what the host's TSC is", () => {
    const text = `host: { tick: off, actual: +20ppm }\nvms: [{ vcpus: [{ program: idle }] }]\nduration: 100s
observe: { tsc: { quantity: tsc-error }, clock: { quantity: kvmclock-error } }\n`;
    const { tsc, clock } = values(text);
    expect(tsc).toBe(2n * MS);
    // The multipliers of a 2.5 GHz counter round by less than 10^-7.
    expect(Number(clock)).toBeGreaterThan(1_990_000);
    expect(Number(clock)).toBeLessThan(2_010_000);
  });

  it("is the same again, whatever watches it, and another with another seed", () => {
    const text = (seed: number) => `seed: ${seed}\nhost: { costs: { exit: 1us, jitter: 20us } }\n
vms: [{ vcpus: [{ program: one-shot-timer, options: { jitter: 3ms } }] }]\nduration: 200ms
observe: { seen: { quantity: ticks-seen }, late: { quantity: longest-latency } }\n`;
    const json = (seed: number, hooks = {}) => JSON.stringify(runToJson(run(text(seed), "v6.12", hooks)));
    const watched: bigint[] = [];
    expect(
      json(1, { onProgress: ({ simulatedNs }: { simulatedNs: bigint }) => watched.push(simulatedNs) }),
    ).toBe(json(1));
    expect(watched.at(-1)).toBe(200n * MS);
    expect(json(2)).not.toBe(json(1));
    expect(json(1, { stepped: true })).toBe(json(1));
  });

  it("stops when it is told to", () => {
    const text = `${QUIET}${TICKING}duration: 30d\nobserve: { n: { quantity: exits } }\n`;
    const signal = AbortSignal.abort(new Error("enough"));
    expect(() => run(text, "v6.12", { signal })).toThrow("enough");
  });

  it("judges what its document expects, and says what came", () => {
    const { expectations } = run(
      `${QUIET}${TICKING}duration: 10ms\nobserve: { seen: { quantity: ticks-seen } }\nexpect: ["seen >= 9", "seen == 3"]\n`,
    );
    expect(expectations.map(({ text, held, got }) => [text, held, got])).toEqual([
      ["seen >= 9", true, "9"],
      ["seen == 3", false, "9"],
    ]);
  });

  it("observes at an instant what was before that instant's actions, and draws what it observes at the end", () => {
    const text = `${QUIET}${PAIR}duration: 20ms
timeline: [{ at: 10ms, do: tsc-offset, vcpu: 1, by: 2500 }]
observe: { before: { quantity: tsc-apart, vcpu: 1, at: 10ms }, after: { quantity: tsc-apart, vcpu: 1 } }\n`;
    const { observations, series } = run(text);
    expect([observations.before?.value, observations.after?.value]).toEqual([0n, 2500n]);
    expect(Object.keys(series)).toEqual(["after"]);
    expect([series.after?.points[0], series.after?.points.at(-1)]).toEqual([
      [0n, 0n],
      [20n * MS, 2500n],
    ]);
  });
});

describe("what happens to a machine", () => {
  const at = (action: string, observe: string, host = QUIET, vms = TICKING): string =>
    `kernel: v6.12\n${host}${vms}duration: 100ms\ntimeline: [{ at: 50ms, ${action} }]\nobserve: { ${observe} }\n`;

  it("pause: no tick reaches the guest until user space lets it go, however many hold it", () => {
    const gapMs = (action: string) => Number(values(at(action, "gap: { quantity: longest-gap }")).gap) / 1e6;
    // From the tick before, up to a millisecond earlier.
    const overlapping = "do: pause, for: 20ms }, { at: 60ms, do: pause, for: 30ms, vcpu: 0";
    const interrupted = "do: pause, for: 20ms }, { at: 55ms, do: set-clock, by: 0ns";
    for (const [action, ms] of [
      ["do: pause, for: 20ms", 20],
      [overlapping, 40],
      [interrupted, 20],
    ] as const) {
      expect(gapMs(action)).toBeGreaterThanOrEqual(ms);
      expect(gapMs(action)).toBeLessThan(ms + 1);
    }
  });

  it("set-clock: the guest's clock reads what it is set to, and goes on", () => {
    const clock = "clock: { quantity: kvmclock }, apart: { quantity: kvmclock-error }";
    // 50 ms later, to the nanosecond that its multiplier rounds.
    expect(Number(values(at("do: set-clock, to: 10s", clock)).clock)).toBeCloseTo(10_050_000_000, -1);
    const { apart } = values(at("do: set-clock, by: -5ms", clock));
    expect(Number(apart)).toBeCloseTo(-5_000_000, -2);
  });

  it("ntp: CLOCK_MONOTONIC goes at the new rate", () => {
    const off = values(at("do: ntp, rate: 500ppm", "off: { quantity: monotonic-error }", "", TICKING)).off;
    // 50 ms at 500 ppm are 25 µs; steering begins with a tick.
    expect(Number(off)).toBeGreaterThan(20_000);
    expect(Number(off)).toBeLessThan(26_000);
  });

  it("clocksource: the master clock goes with the TSC, and comes back with the next reference", () => {
    const master = "on: { quantity: master-clock }";
    expect(values(at("do: clocksource, to: hpet", master)).on).toBe(false);
    const back = "do: clocksource, to: hpet }, { at: 70ms, do: clocksource, to: tsc";
    expect(values(at(back, master)).on).toBe(false);
    expect(values(at(`${back} }, { at: 80ms, do: set-clock, by: 0ns`, master)).on).toBe(true);
  });

  it("host-sleep: the guest's clock counts it, CLOCK_MONOTONIC does not, and its TSC as the host's does", () => {
    const observe =
      "mono: { quantity: monotonic-error }, tsc: { quantity: tsc-error }, gap: { quantity: longest-gap }";
    const slept = (tsc: string) => values(at(`do: host-sleep, for: 20ms, tsc: ${tsc}`, observe));
    for (const tsc of ["counts", "stops", "resets"]) {
      expect(Number(slept(tsc).mono)).toBeCloseTo(-20_000_000, -2);
      expect(Number(slept(tsc).gap)).toBeGreaterThanOrEqual(20_000_000);
    }
    expect(slept("counts").tsc).toBe(0n);
    expect(slept("stops").tsc).toBe(-20n * MS);
  });

  it("move-vcpu: the thread runs on elsewhere, with its clock and its timer", () => {
    const observe = "seen: { quantity: ticks-seen }, due: { quantity: ticks-due }";
    expect(values(at("do: move-vcpu, vcpu: 0, cpu: 3", observe))).toEqual({ seen: 99n, due: 99n });
  });

  it("new-reference: what the guest's clock was ahead of KVM's reckoning is gone", () => {
    const lead = "before: { quantity: kvmclock-lead, at: 1000s }, after: { quantity: kvmclock-lead }";
    const text = `kernel: v6.12\n${QUIET}vms: [{ tsc: 2345678kHz, vcpus: [{ program: idle, options: { waits: spins } }] }]
duration: 1001s\ntimeline: [{ at: 1000s, do: new-reference }]\nobserve: { ${lead} }\n`;
    const { before, after } = values(text);
    expect(Math.abs(Number(before))).toBeGreaterThan(1_000);
    expect(Math.abs(Number(after))).toBeLessThan(Math.abs(Number(before)) / 100);
  });

  it("wake: a halted guest goes on without a timer, and halts again", () => {
    const idle = "vms: [{ vcpus: [{ program: idle }] }]\n";
    const exits = "before: { quantity: exits, at: 50ms }, after: { quantity: exits }";
    const { before, after } = values(at("do: wake, vcpu: 0", exits, QUIET, idle));
    expect(Number(after) - Number(before)).toBe(1);
  });

  it("tsc-offset: a guest that reads its clock without a master clock sees no step back", () => {
    const observe =
      "on: { quantity: master-clock }, back: { quantity: backward-steps, vcpu: 0 }, far: { quantity: furthest-back, vcpu: 1 }";
    expect(values(at("do: tsc-offset, vcpu: 1, by: -1000000", observe, QUIET, PAIR))).toEqual({
      on: false,
      back: 0n,
      far: 0n,
    });
  });

  it("a guest's watchdog gives its TSC up when user space puts it off by a second", () => {
    const text = (
      by: string,
    ) => `kernel: v6.12\n${QUIET}vms: [{ vcpus: [{ program: clocksource-watchdog }] }]\nduration: 5s
timeline: [{ at: 2200ms, do: set-clock, by: ${by} }]\nobserve: { up: { quantity: tsc-unstable } }\n`;
    expect(values(text("100ms")).up).toBe(true);
    expect(values(text("0ns")).up).toBe(false);
  });

  it("a deadline timer is early or late by no more than the device's step", () => {
    const text = `kernel: v6.12\n${QUIET}vms: [{ vcpus: [{ program: deadline-timer, options: { waits: spins } }] }]\nduration: 100ms
observe: { off: { quantity: deadline-error }, hv: { quantity: preemption-timer-exits } }\n`;
    const { off, hv } = values(text);
    expect(Math.abs(Number(off))).toBeLessThan(64);
    expect(Number(hv)).toBeGreaterThan(90);
  });
});
