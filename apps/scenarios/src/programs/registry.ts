/** The guest programs that a document names, each with its options. */
import { type GuestTsc, WATCHDOG_TUNING } from "@chronovisor/clocksource";
import type { GuestCpu, GuestProgram } from "../machine/guest/guest.js";
import type { Host } from "../machine/host/host.js";
import type { Vcpu } from "../machine/vcpu/vcpu.js";
import { choice, quantity } from "../params/builders.js";
import type { Random } from "../random/random.js";
import type { ParamShape, ParamValues } from "../scenario/types.js";
import { halfEnd, scheduleWakeUps } from "../scenarios/alternating-load.js";
import { loadParams } from "../scenarios/lapic-params.js";
import { effectivePeriod, initialCount } from "../scenarios/timer-period.js";
import { clockReader } from "./clock-reader.js";
import { clocksourceWatchdog } from "./clocksource-watchdog.js";
import { deadlineTimer } from "./deadline-timer.js";
import type { GuestLog } from "./guest-log.js";
import type { GuestKvmclock } from "./kvmclock.js";
import { nestedTimer } from "./nested-timer.js";
import { oneShotTimer } from "./one-shot-timer.js";
import { periodicTimer } from "./periodic-timer.js";

/** Where a program runs. */
export interface ProgramPlace {
  readonly host: Host;
  readonly vcpu: Vcpu;
  /** The guest's kvmclock, which its vCPUs share. */
  readonly kvmclock: GuestKvmclock;
  /** The guest's TSC frequency, as it would calibrate it. */
  readonly tscKhz: number;
  readonly vcpus: number;
  readonly random: Random;
  readonly log: GuestLog;
}

/** A guest program by name. */
export interface NamedProgram {
  readonly name: string;
  readonly help: string;
  readonly options: ParamShape;
  /** Makes the program for one vCPU. */
  readonly start: (
    place: ProgramPlace,
    options: Readonly<Record<string, unknown>>,
  ) => (cpu: GuestCpu) => GuestProgram;
  /** Period of the timer it sets, ns; absent where it sets no periodic one. */
  readonly periodNs?: (options: Readonly<Record<string, unknown>>) => bigint;
}

/** A program whose options have the types of its shape. */
function program<Shape extends ParamShape>(named: {
  readonly name: string;
  readonly help: string;
  readonly options: Shape;
  readonly start: (place: ProgramPlace, options: ParamValues<Shape>) => (cpu: GuestCpu) => GuestProgram;
  readonly periodNs?: (options: ParamValues<Shape>) => bigint;
}): NamedProgram {
  return named as unknown as NamedProgram;
}

const BUS_CYCLE_NS = 1n;
/** A 32-bit count of bus cycles ends here, in ns. */
const LONGEST_COUNT = "4s";

const time = (byDefault: string, min: string, max: string, help: string) =>
  quantity({ unit: "ns", default: byDefault, min, max, help });

const waits = choice(["halts", "spins"], {
  default: "halts",
  help: "between arming and interrupt the guest halts, or runs",
});

/** Guest cycles in `ns` of a guest's own reckoning, at least 1. */
function guestCycles({ tscKhz }: ProgramPlace, ns: bigint): bigint {
  const cycles = (ns * BigInt(tscKhz)) / 1_000_000n;
  return cycles > 0n ? cycles : 1n;
}

function* halting(cpu: GuestCpu): GuestProgram {
  for (;;) yield cpu.halt();
}

function* spinning(cpu: GuestCpu): GuestProgram {
  for (;;) yield cpu.run();
}

const idle = program({
  name: "idle",
  help: "halts, or spins, and sets no timer",
  options: { waits: choice(["halts", "spins"], { default: "halts", help: "the guest halts, or runs" }) },
  start: (_place, options) => (options.waits === "halts" ? halting : spinning),
});

const periodic = program({
  name: "periodic-timer",
  help: "sets a periodic LAPIC timer and takes its ticks",
  options: {
    period: time("1ms", "1us", LONGEST_COUNT, "period of the timer; below 200us KVM raises it to that"),
    handler: time("5us", "0ns", "1s", "time the guest takes to handle a tick"),
    load: choice(["idle", "alternating", "running"], {
      default: "idle",
      help: "between ticks the guest halts, halts and runs in turn, or runs",
    }),
    half: loadParams.half,
    first: loadParams.first,
  },
  periodNs: ({ period }) => effectivePeriod(period),
  start: ({ host, vcpu }, { period, handler, load, half, first }) => {
    const machine = { host, vcpu };
    const halves = { startNs: 0n, lengthNs: half, first };
    if (load === "alternating") scheduleWakeUps(machine, halves);
    return (cpu) =>
      periodicTimer(cpu, {
        count: initialCount(period, BUS_CYCLE_NS),
        handlerNs: handler,
        load,
        first,
        halfEnds: (index) => halfEnd(machine, halves, index),
      });
  },
});

const oneShot = program({
  name: "one-shot-timer",
  help: "arms a one-shot LAPIC timer again and again",
  options: {
    wait: time("1ms", "1us", LONGEST_COUNT, "from arming to the interrupt"),
    pause: time("1ms", "0ns", "1h", "from the end of one timer's handler to the arming of the next"),
    jitter: time("0ns", "0ns", "1h", "the most the pause is longer, drawn anew each time"),
    waits,
  },
  start: (place, options) => (cpu) =>
    oneShotTimer(cpu, {
      arms: Number.POSITIVE_INFINITY,
      count: initialCount(options.wait, BUS_CYCLE_NS),
      pauseCycles: () => guestCycles(place, options.pause + place.random.between(0n, options.jitter)),
      waits: options.waits,
    }),
});

const deadline = program({
  name: "deadline-timer",
  help: "arms a deadline of its TSC again and again",
  options: { wait: time("1ms", "1us", "1h", "from arming to the deadline, by the guest's TSC"), waits },
  start: (place, options) => {
    place.vcpu.apic.observer.onDeadline = (cycles) => place.log.expired(cycles);
    return (cpu) =>
      deadlineTimer(cpu, {
        armAt: 0n as GuestTsc,
        waitCycles: guestCycles(place, options.wait),
        times: Number.POSITIVE_INFINITY,
        waits: options.waits,
      });
  },
});

/** Cycles of one step of the preemption timer that L1 sees (IA32_VMX_MISC bits 4:0 as KVM shows them: 5). */
const NESTED_STEP_CYCLES = 32n;

const nested = program({
  name: "nested-timer",
  help: "an L1 that runs an L2 under a VMX preemption timer, again and again",
  options: {
    wait: time("1ms", "1us", "10s", "what L1 gives L2 each time, by L1's TSC, in steps of 32 cycles"),
    waits: choice(["halts", "spins"], { default: "spins", help: "while the timer runs L2 halts, or runs" }),
  },
  start: (place, { wait, waits }) => {
    place.vcpu.timers.nested.onExit = ({ leftCycles }) => place.log.expired(leftCycles);
    const steps = guestCycles(place, wait) / NESTED_STEP_CYCLES;
    return (cpu) =>
      nestedTimer(cpu, {
        enterAt: 0n as GuestTsc,
        ticks: steps > 0n ? Number(steps) : 1,
        times: undefined,
        l2: waits,
      });
  },
});

const reader = program({
  name: "clock-reader",
  help: "reads its kvmclock again and again, and looks whether it goes back",
  options: { every: time("1ms", "1us", "1h", "time between two readings, by the guest's TSC") },
  start:
    (place, { every }) =>
    (cpu) =>
      clockReader(cpu, {
        kvmclock: place.kvmclock,
        vcpu: place.vcpu.id,
        everyCycles: guestCycles(place, every),
        onReading: (ns) => place.log.read(ns),
      }),
});

const watchdog = program({
  name: "clocksource-watchdog",
  help: "watches its TSC against its kvmclock twice a second, as Linux does",
  options: {
    guest: choice(["6.12", "6.1"], { default: "6.12", help: "the guest's kernel: what its watchdog allows" }),
  },
  start:
    (place, { guest }) =>
    (cpu) =>
      clocksourceWatchdog(cpu, {
        kvmclock: place.kvmclock,
        vcpu: place.vcpu.id,
        tscKhz: place.tscKhz,
        tuning: WATCHDOG_TUNING[guest],
        onlineCpus: place.vcpus,
        onUnstable: () => {
          place.log.tscUnstable = true;
        },
      }),
});

/** Every program, in the order a list shows them. */
export const programs: readonly NamedProgram[] = [
  idle,
  periodic,
  oneShot,
  deadline,
  nested,
  reader,
  watchdog,
];

/**
 * The program called `name`.
 *
 * @throws RangeError for a name that is none.
 */
export function programNamed(name: string): NamedProgram {
  const found = programs.find((candidate) => candidate.name === name);
  if (found === undefined) throw new RangeError(`programNamed: expected a program, got ${name}`);
  return found;
}
