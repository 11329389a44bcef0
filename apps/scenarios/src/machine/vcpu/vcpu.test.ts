import { EventLog } from "@chronovisor/trace";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { LivelockError } from "../engine/engine.js";
import {
  ACCESSES_WITHOUT_TIME,
  type GuestCpu,
  type GuestProgram,
  IA32_TSC_DEADLINE,
  LVTT_PERIODIC,
  LVTT_TSC_DEADLINE,
  X2APIC_LVTT,
  X2APIC_SVR,
  X2APIC_TDCR,
  X2APIC_TMCCT,
  X2APIC_TMICT,
} from "../guest/guest.js";
import { buildLapicMachine, type LapicMachine, type LapicMachineOptions } from "../lapic-machine.js";

// Redeclared from the architecture manual: a wrong constant in the source must not agree with itself.
const SVR_ON = 0x1ff;
const DIVIDE_BY_1 = 0b1011;
const VECTOR = 0xec;
const MS = 2_500_000n;

function machine(options: Partial<LapicMachineOptions> = {}): LapicMachine {
  return buildLapicMachine({
    hostKhz: 2_500_000n,
    hostHz: 2_500_000_000n,
    guestKhz: 2_500_000n,
    monoRatePpb: 0n,
    busNs: 1n,
    exitCost: 0n,
    entryCost: 0n,
    immediateExitCost: 0n,
    callbackCost: 0n,
    minDelta: 0n,
    axes: parseKernel("v6.19").axes,
    ...options,
  });
}

function arm(cpu: GuestCpu, lvtt: number, count: number): void {
  cpu.wrmsr(X2APIC_SVR, SVR_ON);
  cpu.wrmsr(X2APIC_TDCR, DIVIDE_BY_1);
  cpu.wrmsr(X2APIC_LVTT, lvtt | VECTOR);
  cpu.wrmsr(X2APIC_TMICT, count);
}

/** Halts and handles, writing down when each interrupt was taken. */
function* takeAll(cpu: GuestCpu, taken: bigint[]): GuestProgram {
  for (;;) {
    const vector = yield cpu.halt();
    expect(vector).toBe(VECTOR);
    taken.push(cpu.rdtsc());
    cpu.eoi();
  }
}

/** Runs and handles, likewise. */
function* runAndTakeAll(cpu: GuestCpu, taken: bigint[]): GuestProgram {
  for (;;) {
    yield cpu.run();
    taken.push(cpu.rdtsc());
    cpu.eoi();
  }
}

/** A guest that ticks every millisecond and takes its interrupts in one of these ways. */
function periodic(take: typeof takeAll, taken: bigint[]): (cpu: GuestCpu) => GuestProgram {
  return function* (cpu) {
    arm(cpu, LVTT_PERIODIC, 1_000_000);
    yield* take(cpu, taken);
  };
}

function runUntil({ host }: LapicMachine, cycles: bigint): void {
  host.engine.runUntil((host.startTsc + cycles) as typeof host.startTsc);
}

describe("a guest with a periodic timer", () => {
  it("takes a tick every period while it halts, to the cycle", () => {
    const m = machine();
    const taken: bigint[] = [];
    m.vcpu.start("halting", periodic(takeAll, taken));
    runUntil(m, 5n * MS);
    expect(taken).toEqual([MS, 2n * MS, 3n * MS, 4n * MS, 5n * MS]);
  });

  it("takes it up to 62 cycles early while it runs, because the preemption timer counts in steps of 32", () => {
    const m = machine();
    const taken: bigint[] = [];
    m.vcpu.start("running", periodic(runAndTakeAll, taken));
    runUntil(m, 200n * MS);
    expect(taken).toHaveLength(200);
    for (const [i, at] of taken.entries()) {
      const early = BigInt(i + 1) * MS - at;
      expect(early >= 0n && early <= 62n).toBe(true);
    }
    expect(m.vcpu.counters.cb).toBe(0);
  });

  it("has its ticks later by exit and entry, and no more, however many there were", () => {
    const m = machine({ exitCost: 1_000n, entryCost: 600n });
    const taken: bigint[] = [];
    m.vcpu.start("running", periodic(runAndTakeAll, taken));
    runUntil(m, 300n * MS);
    const [first = 0n] = taken;
    for (const [i, at] of taken.entries()) {
      const late = at - first - BigInt(i) * MS;
      expect(late >= -62n && late <= 62n).toBe(true);
    }
  });

  it("takes one more interrupt after a handler longer than the period: the request bit holds one", () => {
    const m = machine();
    const taken: bigint[] = [];
    m.vcpu.start("slow handler", function* (cpu) {
      arm(cpu, LVTT_PERIODIC, 1_000_000);
      for (;;) {
        yield cpu.halt();
        taken.push(cpu.rdtsc());
        yield cpu.work(3_500_000n);
        cpu.eoi();
      }
    });
    runUntil(m, 36n * MS);
    const { counters } = m.vcpu;
    expect(taken.slice(0, 4)).toEqual([MS, 4n * MS + MS / 2n, 8n * MS, 11n * MS + MS / 2n]);
    expect(counters.expirations).toBe(36);
    expect(Math.abs(counters.irrSet - counters.seen)).toBeLessThanOrEqual(1);
  });

  it("does not get time back that an exit took from its work", () => {
    const m = machine({ exitCost: 1_000n, entryCost: 1_000n });
    let finished = 0n;
    m.vcpu.start("worker", function* (cpu) {
      arm(cpu, LVTT_PERIODIC, 1_000_000);
      const began = cpu.rdtsc();
      yield cpu.work(10_000_000n);
      finished = cpu.rdtsc() - began;
      yield cpu.halt();
    });
    runUntil(m, 20n * MS);
    // 10 ms of work, four register writes and ten ticks, each an exit and an entry of 2 µs.
    expect(finished).toBe(10n * MS + 14n * 5_000n);
  });
});

describe("a guest with a TSC deadline", () => {
  it("gets one interrupt for a deadline that is now, and reads 0 back", () => {
    // A counter at 0 would write the deadline 0, which disarms.
    const m = machine({ startTsc: 1n });
    const taken: bigint[] = [];
    let readBack: bigint | undefined;
    m.vcpu.start("now", function* (cpu) {
      cpu.wrmsr(X2APIC_SVR, SVR_ON);
      cpu.wrmsr(X2APIC_LVTT, LVTT_TSC_DEADLINE | VECTOR);
      cpu.wrmsr(IA32_TSC_DEADLINE, cpu.rdtsc());
      expect(yield cpu.halt()).toBe(VECTOR);
      taken.push(cpu.rdtsc());
      cpu.eoi();
      readBack = cpu.rdmsr(IA32_TSC_DEADLINE);
      yield* takeAll(cpu, taken);
    });
    runUntil(m, MS);
    expect(readBack).toBe(0n);
    expect(taken).toEqual([1n]);
  });

  it("gets it at the deadline, through a halt and through a run", () => {
    const m = machine({ startTsc: 1_000_000n });
    const taken: bigint[] = [];
    m.vcpu.start("deadlines", function* (cpu) {
      cpu.wrmsr(X2APIC_SVR, SVR_ON);
      cpu.wrmsr(X2APIC_LVTT, LVTT_TSC_DEADLINE | VECTOR);
      cpu.wrmsr(IA32_TSC_DEADLINE, cpu.rdtsc() + MS);
      yield cpu.halt();
      taken.push(cpu.rdtsc() - 1_000_000n);
      cpu.eoi();
      cpu.wrmsr(IA32_TSC_DEADLINE, cpu.rdtsc() + MS);
      yield cpu.run();
      taken.push(cpu.rdtsc() - 1_000_000n);
      cpu.eoi();
      yield cpu.halt();
    });
    runUntil(m, 5n * MS);
    expect(taken[0]).toBe(MS);
    const early = 2n * MS - (taken[1] ?? 0n);
    expect(early >= 0n && early <= 62n).toBe(true);
  });
});

describe("user space", () => {
  it("stops a vCPU, whose running timer stands still, and resumes it", () => {
    const m = machine();
    const taken: bigint[] = [];
    m.vcpu.start("running", periodic(runAndTakeAll, taken));
    runUntil(m, MS / 2n);
    m.vcpu.stop();
    expect(m.vcpu.state).toBe("userspace");
    runUntil(m, 10n * MS);
    expect(taken).toEqual([]);
    m.vcpu.resume();
    expect(m.vcpu.state).toBe("guest");
    runUntil(m, 10n * MS);
    expect(taken[0]).toBe(10n * MS);
  });
});

describe("a halted vCPU's thread", () => {
  const lateBy = (options: Partial<LapicMachineOptions>): bigint[] => {
    const m = machine({ wakeCost: 10_000n, ...options });
    const taken: bigint[] = [];
    m.vcpu.start("halting", periodic(takeAll, taken));
    runUntil(m, 3n * MS + 30_000n);
    return taken.map((at, i) => at - BigInt(i + 1) * MS);
  };

  it("takes the time to wake, on every tick", () => {
    expect(lateBy({})).toEqual([25_000n, 25_000n, 25_000n]);
  });

  it("does not, while it polls longer than it waits", () => {
    expect(lateBy({ haltPoll: 1_000_000n })).toEqual([0n, 0n, 0n]);
    expect(lateBy({ haltPoll: 999_000n })).toEqual([25_000n, 0n, 25_000n]);
  });
});

describe("a vCPU that loses its CPU to another thread", () => {
  it("is out until it gets it back, and halts undisturbed", () => {
    const m = machine();
    m.vcpu.start("halting", periodic(takeAll, []));
    m.vcpu.stop("preempted");
    expect(m.vcpu.state).toBe("blocked");
    runUntil(m, MS);
    expect(m.vcpu.state).toBe("preempted");
    m.vcpu.resume();
    expect(m.vcpu.counters.seen).toBe(1);
    expect(m.vcpu.state).toBe("blocked");
  });
});

describe("the host's clock", () => {
  it("moves a halted guest's ticks when its rate changes, from that moment on", () => {
    const m = machine();
    const taken: bigint[] = [];
    m.vcpu.start("halting", periodic(takeAll, taken));
    runUntil(m, MS / 2n);
    // Twice as fast: the half period left passes in a quarter.
    m.host.setMonotonicRate(1_000_000_000n);
    runUntil(m, 2n * MS);
    expect(taken.slice(0, 2)).toEqual([(3n * MS) / 4n, (5n * MS) / 4n]);
  });
});

describe("the trace", () => {
  it("has one event for every arrow of a tick", () => {
    const trace = new EventLog();
    const m = machine({ trace });
    m.vcpu.start("one tick", function* (cpu) {
      arm(cpu, LVTT_PERIODIC, 1_000_000);
      yield cpu.halt();
      cpu.note("tick");
      cpu.eoi();
      yield cpu.halt();
    });
    runUntil(m, MS);
    const events = trace.events();
    const tick = events.slice(events.findIndex(({ kind }) => kind === "irq-begin"));
    expect(tick.map(({ kind }) => kind)).toEqual([
      "irq-begin",
      "hrtimer-expire",
      "hrtimer-callback",
      "kick",
      "timer-expired",
      "timer-advanced",
      "timer-armed",
      "hrtimer-done",
      "hrtimer-start",
      "irq-end",
      "timer-armed",
      "hrtimer-cancel",
      "timer-disarmed",
      "backend",
      "inject",
      "cpu-runs",
      "vcpu-state",
      "acknowledge",
      "vcpu-state",
      "note",
      "vm-exit",
      "msr-write",
      "eoi",
      "vm-exit",
      "vcpu-state",
      "timer-disarmed",
      "hrtimer-start",
      "timer-armed",
      "backend",
      "cpu-runs",
      "vcpu-state",
    ]);
  });

  it("joins what comes of an arming, up to the guest's end of interrupt", () => {
    const trace = new EventLog();
    const m = machine({ trace });
    m.vcpu.start("ticks", function* (cpu) {
      arm(cpu, LVTT_PERIODIC, 1_000_000);
      for (;;) {
        yield cpu.halt();
        cpu.eoi();
      }
    });
    runUntil(m, 3n * MS);
    const flows = new Map<number, string[]>();
    for (const event of trace.events()) {
      if (!("flow" in event) || event.flow === undefined) continue;
      flows.set(event.flow, [...(flows.get(event.flow) ?? []), event.kind]);
    }
    const ended = [...flows.values()].filter((kinds) => kinds.at(-1) === "eoi");
    expect(ended).toEqual(
      Array.from({ length: 3 }, () => [
        "timer-armed",
        "hrtimer-callback",
        "timer-expired",
        "inject",
        "acknowledge",
        "eoi",
      ]),
    );
  });

  it("does not change what happens", () => {
    const run = (options: Partial<LapicMachineOptions>): unknown => {
      const m = machine({ monoRatePpb: -50_000n, axes: parseKernel("v4.16").axes, ...options });
      m.vcpu.start("halting", function* (cpu) {
        arm(cpu, LVTT_PERIODIC, 1_000_000);
        yield* takeAll(cpu, []);
      });
      runUntil(m, 500n * MS);
      return { ...m.vcpu.counters, state: m.vcpu.apic.timer.state() };
    };
    expect(run({ trace: new EventLog(10) })).toEqual(run({}));
  });
});

describe("what a guest does wrong", () => {
  it("faults on a register it does not have and on high bits, and is told so", () => {
    const m = machine();
    const answers: unknown[] = [];
    m.vcpu.start("faulting", function* (cpu) {
      answers.push(cpu.wrmsr(0x8ff, 0n), cpu.wrmsr(X2APIC_TMICT, 1n << 32n), cpu.rdmsr(0x8ff));
      answers.push(cpu.wrmsr(X2APIC_TMCCT, 0n), cpu.rdmsr(X2APIC_TMCCT));
      yield cpu.halt();
    });
    expect(answers).toEqual(["fault", "fault", undefined, "fault", 0n]);
  });

  it("is stopped by name when it never yields", () => {
    const m = machine();
    const never = (): void =>
      m.vcpu.start("spinner", function* (cpu) {
        for (;;) cpu.rdtsc();
        // biome-ignore lint/correctness/noUnreachable: a generator needs a yield to be one
        yield cpu.halt();
      });
    expect(never).toThrow(LivelockError);
    expect(never).toThrow(
      `machine: guest program spinner made ${ACCESSES_WITHOUT_TIME} accesses without yielding, at host TSC 0`,
    );
  });

  it("is stopped by name when what it yields takes no time", () => {
    const m = machine();
    const never = (): void => {
      m.vcpu.start("zero", function* (cpu) {
        for (;;) yield cpu.work(0n);
      });
      runUntil(m, MS);
    };
    expect(never).toThrow(/without time passing/);
  });

  it("halts for good when its program ends", () => {
    const m = machine();
    m.vcpu.start("short", function* (cpu) {
      arm(cpu, LVTT_PERIODIC, 1_000_000);
      yield cpu.work(1n);
    });
    runUntil(m, 10n * MS);
    expect(m.vcpu.state).toBe("blocked");
    expect(m.vcpu.counters.seen).toBe(0);
  });
});

describe("any costs, rates and kernels", () => {
  it("keep the order of what is counted, and a guest TSC that never goes back", () => {
    fc.assert(
      fc.property(
        fc.record({
          kernel: fc.constantFrom("v4.16", "v4.17", "v5.4", "v6.18", "v6.19"),
          monoRatePpb: fc.bigInt({ min: -500_000n, max: 500_000n }),
          exitCost: fc.bigInt({ min: 0n, max: 3_000n }),
          entryCost: fc.bigInt({ min: 0n, max: 3_000n }),
          callbackCost: fc.bigInt({ min: 0n, max: 3_000n }),
          minDelta: fc.bigInt({ min: 0n, max: 3_000n }),
          timerAdvance: fc.constantFrom("off" as const, "on" as const),
          apicv: fc.constantFrom("off" as const, "on" as const),
          halts: fc.boolean(),
        }),
        ({ kernel, halts, ...options }) => {
          const m = machine({ ...options, axes: parseKernel(kernel).axes });
          const taken: bigint[] = [];
          m.vcpu.start("any", function* (cpu) {
            arm(cpu, LVTT_PERIODIC, 300_000);
            for (;;) {
              const vector = yield halts ? cpu.halt() : cpu.run();
              if (vector === undefined) continue;
              taken.push(cpu.rdtsc());
              yield cpu.work(2_000n);
              cpu.eoi();
            }
          });
          runUntil(m, 30n * MS);
          const { inj, irrSet, seen, expirations } = m.vcpu.counters;
          expect(expirations >= inj && inj >= irrSet && irrSet >= seen).toBe(true);
          expect(seen).toBeGreaterThan(90);
          expect(taken.every((at, i) => i === 0 || at > (taken[i - 1] ?? 0n))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
