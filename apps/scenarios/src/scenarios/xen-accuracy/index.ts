import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { xenAccuracyBudgets } from "./budgets.js";
import { xenAccuracyExpectations } from "./expect.js";
import { xenAccuracyParams } from "./params.js";
import { runNs, runXenAccuracy } from "./run.js";

function verdict({ observations, params }: RunResult, name: string): string {
  const ns = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const late = ns("late");
  const timer = `a timer of ${formatQuantity(BigInt(params.request?.value ?? 0n), "ns")}`;
  const age = formatQuantity(ns("age"), "ns");
  if (late >= -1n && late <= 1n) return `${name}: ${timer} is on time ${age} into the guest's life`;
  const size = formatQuantity(late < 0n ? -late : late, "ns");
  return `${name}: ${timer} is ${size} ${late < 0n ? "early" : "late"} ${age} into the guest's life`;
}

export const xenAccuracy: ScenarioDefinition<typeof xenAccuracyParams> = {
  id: "xen-accuracy",
  title: "Xen timers that grow late with the guest",
  fix: "451a707813ae · fixed in v6.9",
  featured: true,
  story:
    "A Xen guest sets timers by its own clock, and KVM turns each into a wait of the host: the time asked for minus the guest's present. It reckoned that present from the host's TSC, while the guest reads its own, scaled TSC, whose rate it is told in whole kHz: the two part by 400 ns a second, and every timer is late by as much. A new reference for the clock mends the timers and throws the guest's clock back. The fix reads the guest's own clock, and the host's at the same TSC.",
  sources: [
    { title: "KVM: x86/xen: improve accuracy of Xen timers", commit: "451a707813ae" },
    { title: "KVM: x86/xen: Xen PV timers in the kernel (the cause)", commit: "536395260582" },
    { title: "KVM: x86/xen: use the vCPU's own Xen clock for its timer", commit: "ca28aa63918b" },
    { title: "proposals for the clock itself, 2024 to 2026: docs/model/pvclock §10" },
    { title: "rules: docs/model/xen-timer §4 and §7, docs/model/pvclock §2 to §6" },
    { title: "figures: docs/model/scenarios-clock §S1" },
  ],
  params: xenAccuracyParams,
  variants: { before: "v6.8", after: "v6.9" },
  axes: ["xenStart", "xenFutureFlag", "xenDelivery", "xenTimerClock", "guestKhz", "getClock"],
  budgets: xenAccuracyBudgets,
  headline: "late",
  plot: "late",
  observe: {
    line: { unit: "name", title: "timerlat", headline: true },
    late: { unit: "ns", title: "late by", headline: true, signed: true },
    latency: { unit: "ns", title: "latency" },
    ahead: { unit: "ns", title: "guest ahead of KVM", headline: true, signed: true },
    interrupts: { unit: "count", title: "interrupts", headline: true },
    jump: { unit: "ns", title: "jump at a reset", headline: true, signed: true, optional: true },
    driftPerDay: { unit: "ns", title: "apart after 24 h", headline: true, signed: true },
    age: { unit: "ns", title: "set so long after the start" },
    assumedHz: { unit: "Hz", title: "rate the guest's TSC is taken for" },
  },
  lengthNs: runNs,
  run: runXenAccuracy,
  expect: xenAccuracyExpectations,
  verdict,
};
