/** What a guest of a 1 kHz tick that halts in between emits, 17 events a tick: the run that sizes in the README are of. */
import { guestTsc, hostTsc, monotonicNs } from "@chronovisor/clocksource";
import type { TraceEvent } from "../src/events.js";
import type { TraceRun } from "../src/exporter.js";

export const HALTING_GUEST: TraceRun = {
  scenario: "a 1 kHz guest that halts",
  kernel: "v6.12",
  params: {},
  seed: 1,
  tscHz: 2_500_000_000n,
  tscKhz: 2_500_000,
  cpus: 2,
  vcpus: 1,
};

const PERIOD_CYCLES = 2_500_000n;
const PERIOD_NS = 1_000_000n;

/** Some minutes after the host started: counters have as many digits as they have in life. */
const FIRST_TICK = 400_000n;

export const EVENTS_PER_TICK = 17;

export function* haltingGuest(ticks: number): Generator<TraceEvent> {
  for (let tick = 1; tick <= ticks; tick++) {
    const n = FIRST_TICK + BigInt(tick);
    const tsc = n * PERIOD_CYCLES;
    const ns = n * PERIOD_NS;
    const after = (cycles: bigint) => ({ at: hostTsc(tsc + cycles), vcpu: 0, cpu: 0, flow: tick });
    yield { kind: "irq-begin", ...after(0n), what: "timer" };
    yield { kind: "hrtimer-expire", ...after(0n), timer: 1, name: "apic_timer_fn", nowNs: ns };
    yield { kind: "hrtimer-callback", ...after(0n) };
    yield { kind: "kick", ...after(0n) };
    yield { kind: "timer-expired", ...after(0n), source: "callback", outcome: "pending" };
    const targetNs = monotonicNs(ns + PERIOD_NS);
    yield { kind: "timer-advanced", ...after(0n), targetNs, deadlineTsc: guestTsc(tsc + PERIOD_CYCLES) };
    yield { kind: "timer-armed", ...after(0n), backend: "hrtimer", deadline: targetNs, flow: tick + 1 };
    yield { kind: "hrtimer-done", ...after(1_000n), timer: 1 };
    yield { kind: "irq-end", ...after(1_500n) };
    yield { kind: "vcpu-state", ...after(2_000n), state: "host" };
    yield { kind: "inject", ...after(2_000n), vector: 0xec, coalesced: "no" };
    yield { kind: "vcpu-state", ...after(2_500n), state: "guest" };
    yield { kind: "acknowledge", ...after(2_500n), vector: 0xec };
    yield { kind: "eoi", ...after(4_000n), vector: 0xec };
    yield { kind: "vm-exit", ...after(5_000n), reason: "HLT" };
    yield { kind: "vcpu-state", ...after(5_000n), state: "host" };
    yield { kind: "vcpu-state", ...after(6_000n), state: "blocked" };
  }
}
