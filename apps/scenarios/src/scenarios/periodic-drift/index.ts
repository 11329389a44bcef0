import { LAPIC_TIMER_BEHAVIOURS } from "@chronovisor/lapic";
import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { periodicDriftBudgets } from "./budgets.js";
import { periodicDriftExpectations } from "./expect.js";
import { periodicDriftParams } from "./params.js";
import { runPeriodicDrift } from "./run.js";

/** Tenths of a per cent of `part` in `whole`, as text. */
function percent(part: bigint, whole: bigint): string {
  const tenths = whole === 0n ? 0n : (part * 1000n + whole / 2n) / whole;
  return `${tenths / 10n}.${tenths % 10n} %`;
}

function verdict({ kernel, observations }: RunResult): string {
  const value = (name: string): bigint => BigInt(observations[name]?.value ?? 0n);
  const lost = value("lost");
  return lost > 1n ? `${kernel} lost ${percent(lost, value("due"))} of the ticks` : `${kernel} lost none`;
}

export const periodicDrift: ScenarioDefinition<typeof periodicDriftParams> = {
  id: "periodic-drift",
  title: "LAPIC periodic timer drift",
  fix: "d8f2f498d9ed · fixed in v4.17",
  featured: true,
  story:
    "A periodic timer keeps two deadlines: one in guest TSC cycles for the VMX preemption timer, which serves while the guest runs, and one in CLOCK_MONOTONIC nanoseconds for the hrtimer, which serves while it halts. Advanced separately they part a little on every tick, and every change of backend pays the difference: late ticks come in bursts that one request bit cannot hold.",
  sources: [
    { title: "KVM: X86: Fix LAPIC timer drift in periodic mode", commit: "d8f2f498d9ed" },
    { title: "the same series, spikes at the switch to the hrtimer", commit: "ecf08dad723d" },
    { title: "rules: docs/model/hv-timer §6.1; figures: docs/model/scenarios-lapic §S000" },
  ],
  params: periodicDriftParams,
  variants: { before: "v4.16", after: "v4.17" },
  axes: Object.keys(LAPIC_TIMER_BEHAVIOURS),
  budgets: periodicDriftBudgets,
  headline: "lost",
  plot: "lag",
  observe: {
    due: { unit: "count", title: "ticks due", headline: true },
    seen: { unit: "count", title: "ticks the guest saw", headline: true },
    lost: { unit: "count", title: "ticks lost", headline: true },
    expirations: { unit: "count", title: "expirations in the host", headline: true },
    cb: { unit: "count", title: "by hrtimer callback", headline: true },
    hvExp: { unit: "count", title: "by preemption timer exit", headline: true },
    swStart: { unit: "count", title: "by a start that found it past", headline: true },
    inj: { unit: "count", title: "injections attempted" },
    irrSet: { unit: "count", title: "request bit set" },
    exits: { unit: "count", title: "VM exits", headline: true },
    restarts: { unit: "count", title: "times a backend was armed" },
    lag: { unit: "ps", title: "lag of the hrtimer at the end", headline: true },
    largestLag: { unit: "ps", title: "largest lag", headline: true },
    lat: { unit: "ps", title: "last tick, from its deadline to the guest" },
    longestLat: { unit: "ps", title: "longest from deadline to guest", headline: true },
    haltWait: { unit: "ns", title: "last wait while halted" },
    longestHalt: { unit: "ns", title: "longest wait while halted", headline: true },
    longestGap: { unit: "ps", title: "longest gap between ticks", headline: true },
    busy: { unit: "ns", title: "longest time with interrupts off" },
    passes: { unit: "count", title: "passes of that interrupt" },
    backend: { unit: "name", title: "backend at the end" },
    hvInUse: { unit: "flag", title: "preemption timer in use at the end" },
    phase: { unit: "ns", title: "phase of the last tick" },
  },
  lengthNs: ({ duration }) => duration,
  run: runPeriodicDrift,
  expect: periodicDriftExpectations,
  verdict,
};
