/** Logs that stories of the simulator write are explained back to what made them, by the runs' own numbers. */
import { FtraceExporter, type TraceEvent, type TraceRun } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import type { RunResult } from "../scenario/types.js";
import { simulate } from "../simulate.js";
import { type Diagnosis, diagnose } from "./diagnosis.js";
import type { TraceFindings, VcpuFindings } from "./findings.js";
import { explain } from "./fixtures/logs.js";

interface Explained {
  readonly result: RunResult;
  readonly events: readonly TraceEvent[];
  readonly findings: TraceFindings;
  readonly diagnoses: readonly Diagnosis[];
}

/** Runs a story with its log written, and has the log explained. */
function explained(
  id: string,
  kernel: string,
  set: Readonly<Record<string, string>>,
  timestamps: "us" | "ns" = "us",
): Explained {
  let text = "";
  let exporter: FtraceExporter | undefined;
  const events: TraceEvent[] = [];
  const trace = (run: TraceRun) => {
    if (exporter !== undefined) return undefined;
    const log = new FtraceExporter(
      run,
      (piece) => {
        text += piece;
      },
      { timestamps },
    );
    exporter = log;
    const emit = (event: TraceEvent): void => {
      events.push(event);
      log.emit(event);
    };
    return { emit };
  };
  const result = simulate(id, { kernel, set, hooks: { trace } });
  exporter?.end();
  const findings = explain(text);
  const { lines, records, skipped } = findings.log.text;
  expect(Object.values(skipped).map(({ count }) => count)).toEqual(Object.values(skipped).map(() => 0));
  expect(lines).toBeGreaterThan(records);
  return { result, events, findings, diagnoses: diagnose(findings) };
}

function vcpuOf({ findings }: Explained, id: number): VcpuFindings {
  const vcpu = findings.vcpus.find(({ name }) => name.id === id);
  if (vcpu === undefined) throw new Error(`the log has no vCPU ${id}`);
  return vcpu;
}

const timerOf = (story: Explained) => vcpuOf(story, 0).timers[0];

const observed = ({ result }: Explained, name: string): bigint =>
  BigInt(result.observations[name]?.value ?? 0n);

/** By how much a clock moved at one instant, each time it did: the run's own readings before and after. */
function stepsOf({ events }: Explained, name: string): readonly bigint[] {
  const readings = events.flatMap((event) => {
    if (event.kind !== "clocks") return [];
    return [{ at: event.at, ns: event.clocks.find(([each]) => each === name)?.[1] ?? 0n }];
  });
  return readings.flatMap(({ at, ns }, i) => {
    const before = readings[i - 1];
    return before?.at === at && ns !== before.ns ? [ns - before.ns] : [];
  });
}

const kindsOf = ({ diagnoses }: Explained): readonly string[] => diagnoses.map(({ kind }) => kind);

describe("the log of pinned-timer", () => {
  it("of v4.5 says that timers expire away from their vCPU, which waits for its next exit", () => {
    const story = explained("pinned-timer", "v4.5", { timers: "40" });
    const remote = Number(observed(story, "elsewhere"));
    expect(remote).toBeGreaterThan(5);
    expect(kindsOf(story)).toEqual(["remote-timer"]);
    expect(story.diagnoses[0]).toMatchObject({
      delivery: "waited",
      story: "pinned-timer",
      local: { count: 40 - remote },
      remote: { count: remote },
    });
    // The run counts from the deadline to the guest; the log, in µs, from the callback to the injection before the entry.
    const [diagnosis] = story.diagnoses;
    const worst = diagnosis?.kind === "remote-timer" ? diagnosis.remote.max : 0n;
    const difference = observed(story, "elsewhereMax") - worst;
    expect(difference >= -1_000n && difference <= 3_000n).toBe(true);
  });

  it("of v4.6 says nothing: every timer expires where its vCPU is", () => {
    const story = explained("pinned-timer", "v4.6", { timers: "40" });
    expect(story.diagnoses).toEqual([]);
    expect(timerOf(story)?.delivery).toMatchObject({
      expiries: 40,
      local: { count: 40 },
      remote: { count: 0 },
    });
  });
});

describe("the log of periodic-drift, its guest halting and running in turn", () => {
  const SLOW = { duration: "2s", load: "alternating", monoRatePpm: "-2000ppm" };

  it("of v4.16 says which ticks were swallowed: as many as the run says, though both backends expire", () => {
    const story = explained("periodic-drift", "v4.16", SLOW);
    const swallowed = observed(story, "inj") - observed(story, "irrSet");
    expect(swallowed).toBe(199n);
    expect(story.diagnoses).toMatchObject([{ kind: "lost-ticks", merged: Number(swallowed), skipped: 0n }]);
    expect(timerOf(story)?.delivery.expiries).toBe(Number(observed(story, "expirations")));
    const { hv, sw } = vcpuOf(story, 0).backend;
    expect(BigInt(hv + sw)).toBe(observed(story, "restarts"));
  });

  it("of v4.17 says nothing: every tick comes, and on time", () => {
    const story = explained("periodic-drift", "v4.17", SLOW);
    expect(observed(story, "lost")).toBe(0n);
    expect(story.diagnoses).toEqual([]);
    expect(timerOf(story)?.expiry).toMatchObject({ periodNs: 1_000_000n, late: 0, skipped: 0n });
  });

  it("of v4.16 says which ticks were late, where the host's clock is fast", () => {
    const story = explained("periodic-drift", "v4.16", { ...SLOW, monoRatePpm: "2000ppm" });
    const lateness = timerOf(story)?.expiry.lateness.max ?? 0n;
    expect(lateness > 2_000_000n).toBe(true);
    expect(kindsOf(story)).toContain("late-expiries");
    // Its expiries never stopped: the target of the timer had fallen behind when the hrtimer took over.
    const behind = story.diagnoses.filter(({ kind }) => kind === "timer-behind");
    expect(behind).toMatchObject([{ cause: "while-expiring", story: "periodic-drift" }]);
  });
});

describe("the log of master-clock-yank", () => {
  it("says by how much every vCPU's clock went back, to the ns, and at which rate it had been fast", () => {
    const story = explained("master-clock-yank", "v7.2", { age: "1m" }, "ns");
    const jump = observed(story, "jump");
    expect(jump).toBe(-3_563n);
    expect(story.findings.vcpus.length).toBe(4);
    for (const { name, clock, offset } of story.findings.vcpus) {
      expect(clock.jumps).toMatchObject({ count: 1, min: jump, max: jump });
      expect(stepsOf(story, `kvmclock.vcpu${name.id}`)).toEqual([jump]);
      expect(clock.parameters).toMatchObject({ tscToSystemMul: 3_435_973_836, tscShift: -1, flags: 1 });
      // What it was ahead, over the minute less it.
      const overNs = clock.drift?.overNs ?? 0n;
      expect(clock.drift?.ppt).toBe((-jump * 1_000_000_000_000n) / overNs);
      expect(offset.current).toBe(0n);
    }
    expect(story.findings.vms).toMatchObject([{ masterClock: { state: "on", changed: 0, updates: 8 } }]);
  });
});

describe("the log of master-clock-loss", () => {
  it("says that the host's clocksource took the master clock away, when, and what each vCPU's clock did", () => {
    const set = { cause: "clocksource", age: "10s", dwell: "2s" };
    const story = explained("master-clock-loss", "v7.3", set, "ns");
    const [vm] = story.findings.vms;
    const off = story.events.find((event) => event.kind === "master-clock" && event.masterClock === "off");
    expect(vm?.masterClock.changes).toMatchObject([
      { to: "off", reason: "host-clocksource", hostClock: "none", time: 10_004_000_000n },
      { to: "on", hostClock: "tsc" },
    ]);
    expect(off?.at).toBe(25_010_000_000n);
    for (const { name, clock } of story.findings.vcpus) {
      const steps = stepsOf(story, `kvmclock.vcpu${name.id}`);
      expect(clock.jumps.count).toBe(steps.length);
      // Without a master clock KVM reads clock and TSC one after the other: the guest's is a ns on by then.
      const apart = clock.jumps.sum - steps.reduce((sum, step) => sum + step, 0n);
      expect(apart >= 0n && apart <= 1n).toBe(true);
    }
  });

  it("says that a guest which moved the TSC of one vCPU took it away, whose and by how much", () => {
    const story = explained("master-clock-loss", "v7.3", { cause: "offset", age: "10s", dwell: "2s" }, "ns");
    const [vm] = story.findings.vms;
    const [change] = vm?.masterClock.changes ?? [];
    expect(change).toMatchObject({ to: "off", reason: "unmatched-tsc", suspect: { what: "offset-write" } });
    // The counters are matched again later, by a write to the other vCPU.
    const moved = story.events.find((event) => event.kind === "tsc-offset" && event.from !== event.to);
    expect(moved).toMatchObject({ vcpu: change?.suspect?.vcpu.id, from: 0n, to: change?.suspect?.cycles });
  });

  it("says that the old interface of kvmclock took it away", () => {
    const story = explained("master-clock-loss", "v7.3", { cause: "old-msr", age: "10s", dwell: "2s" }, "ns");
    expect(story.findings.vms[0]?.masterClock.changes[0]).toMatchObject({
      to: "off",
      reason: "old-kvmclock",
    });
  });
});

describe("the log of host-suspend", () => {
  const suspended = (): Explained =>
    explained("host-suspend", "v6.6", { age: "1m", sleep: "1m", reference: "1m" }, "ns");

  it("says that the TSC going back took the master clock away, when the host woke", () => {
    const story = suspended();
    expect(story.findings.vms[0]?.masterClock).toMatchObject({ state: "off", changed: 1 });
    expect(story.findings.vms[0]?.masterClock.changes).toMatchObject([
      { to: "off", reason: "host-tsc-backwards", hostClock: "tsc", time: 120_000_000_000n },
    ]);
  });

  it("has the TSC offset that KVM made up for the host's, per vCPU, as the run says", () => {
    const story = suspended();
    for (const { offset } of story.findings.vcpus) {
      expect(offset.changes).toMatchObject([
        { from: 0n, to: observed(story, "given"), time: 120_000_000_000n },
      ]);
    }
  });

  it("says by how much the clocks jumped: over the sleep, and at the next reference", () => {
    const story = suspended();
    for (const { name, clock, offset } of story.findings.vcpus) {
      const [byOffset, onWaking, atReference, ...more] = stepsOf(story, `kvmclock.vcpu${name.id}`);
      expect(more).toEqual([]);
      expect(clock.jumpsWithOffset).toBe(1);
      expect(offset.moves.count).toBe(0);
      expect([clock.jumps.min, atReference]).toEqual([observed(story, "step"), observed(story, "step")]);
      // The offset's write moved the clock already, back to where it stood before the host slept; the log's jump is all of it.
      expect((byOffset ?? 0n) + (onWaking ?? 0n)).toBe(clock.jumps.max);
    }
  });
});

describe("the log of set-clock-pause", () => {
  it("says by how much the guest's clock went back", () => {
    const story = explained("set-clock-pause", "v7.3", {}, "ns");
    const { jumps } = vcpuOf(story, 0).clock;
    expect(jumps).toMatchObject({ count: 1, min: stepsOf(story, "kvmclock.vcpu0")[0] });
    // The clock was read at the pause and set after it: the guest, which is 400 ns a second fast, gained 4 ns in those 10 ms.
    expect(-jumps.min - observed(story, "lost")).toBe(4n);
  });
});

describe("the log of live-migration", () => {
  it("has the offsets that made the guests' TSCs go on, as the run says", () => {
    const story = explained("live-migration", "v7.3", { age: "1m", watch: "1m" }, "ns");
    expect(story.findings.vcpus.length).toBe(4);
    const moves = story.diagnoses.filter(({ kind }) => kind === "tsc-moves");
    expect(moves.length).toBe(4);
    for (const { name, offset } of story.findings.vcpus) {
      const [, move] = offset.changes;
      const cycles = (move?.to ?? 0n) - (move?.from ?? 0n);
      expect(cycles > 0n).toBe(true);
      expect(offset.moves).toMatchObject({ count: 1, min: cycles, max: cycles });
      const written = story.events.flatMap((event) =>
        event.kind === "tsc-offset" && event.vcpu === name.id ? [event] : [],
      );
      expect(offset.writes).toBe(written.length);
      expect(offset.current).toBe(observed(story, "offset"));
      expect(offset.changes.map(({ from, to }) => [from, to])).toEqual(
        written.map(({ from, to }) => [BigInt.asIntN(64, from), BigInt.asIntN(64, to)]),
      );
    }
  });
});

describe("the log of xen-accuracy", () => {
  it("of v6.8 says which clock the host times its guest's timers by", () => {
    const story = explained("xen-accuracy", "v6.8", { age: "1s" }, "ns");
    const { xen, clock } = vcpuOf(story, 0);
    expect(clock.parameters?.tscHz).toBe(observed(story, "assumedHz"));
    expect(xen.timers).toBe(25);
  });
});
