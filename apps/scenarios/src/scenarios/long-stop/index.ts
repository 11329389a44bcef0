import { LAPIC_TIMER_BEHAVIOURS } from "@chronovisor/lapic";
import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { longStopBudgets } from "./budgets.js";
import { longStopExpectations } from "./expect.js";
import { longStopParams } from "./params.js";
import { runLongStop } from "./run.js";

function verdict({ kernel, observations }: RunResult): string {
  const value = (name: string): bigint => BigInt(observations[name]?.value ?? 0n);
  const busy = formatQuantity(value("busy"), "ns");
  if (observations.livelock?.value === true) return `${kernel} never came out of its interrupt`;
  if (observations.lockup?.value === true) return `${kernel} locked up for ${busy}`;
  const off = value("busy") > 0n ? `, ${busy} with interrupts off` : "";
  return `${kernel} caught up in ${formatQuantity(value("expirations"), "count")} expirations${off}`;
}

export const longStop: ScenarioDefinition<typeof longStopParams> = {
  id: "long-stop",
  title: "Hard lockup after a long stop",
  fix: "18ab3fc8e880 · fixed in v6.19",
  featured: true,
  story:
    "A periodic timer served by the VMX preemption timer stands still while its vCPU is out: paused, migrated, or just not scheduled. When it comes back, its target is one stop old. Before the fix the negative remainder wrapped to a deadline out of reach, the hrtimer took over in the past, and one interrupt ran a callback for every period missed.",
  sources: [
    { title: "KVM: x86: fix VM hard lockup after prolonged inactivity", commit: "18ab3fc8e880" },
    { title: "its preparations: explicit expiration, warning on period 0", commit: "9633f180ce99" },
    { title: "rules: docs/model/hv-timer §6.2; figures: docs/model/scenarios-lapic §S004" },
  ],
  params: longStopParams,
  variants: { before: "v6.18", after: "v6.19" },
  axes: Object.keys(LAPIC_TIMER_BEHAVIOURS),
  budgets: longStopBudgets,
  headline: "expirations",
  plot: "backlog",
  observe: {
    expirations: { unit: "count", title: "expirations to catch up", headline: true },
    hvExp: { unit: "count", title: "by preemption timer exit", headline: true },
    cb: { unit: "count", title: "by hrtimer callback", headline: true },
    swStart: { unit: "count", title: "by a start that found it past", headline: true },
    cbPass1: { unit: "count", title: "callbacks in the first pass", headline: true },
    passes: { unit: "count", title: "passes of the interrupt", headline: true },
    busy: { unit: "ns", title: "time with interrupts off", headline: true },
    lockup: { unit: "flag", title: "hard lockup reported", headline: true },
    livelock: { unit: "flag", title: "never came back" },
    catchUp: { unit: "ns", title: "time to catch up" },
    backend: { unit: "name", title: "backend afterwards", headline: true },
    fallbacks: { unit: "count", title: "fallbacks to the hrtimer" },
    seen: { unit: "count", title: "interrupts seen, with 20 periods after", headline: true },
    inj: { unit: "count", title: "injections attempted" },
    irrSet: { unit: "count", title: "request bit set" },
    exits: { unit: "count", title: "VM exits" },
    restarts: { unit: "count", title: "times a backend was armed" },
    warnings: { unit: "count", title: "kernel warnings" },
    hvInUse: { unit: "flag", title: "preemption timer in use at the end" },
    lag: { unit: "ps", title: "hrtimer's target behind the TSC deadline" },
    lat: { unit: "ps", title: "last tick, from its deadline to the guest" },
    longestLat: { unit: "ps", title: "longest from deadline to guest" },
    longestGap: { unit: "ps", title: "longest gap between ticks" },
    haltWait: { unit: "ns", title: "last wait while halted" },
    phase: { unit: "ns", title: "phase of the ticks afterwards", headline: true },
    target: { unit: "ns", title: "target at the end" },
  },
  lengthNs: ({ stop }) => stop,
  run: runLongStop,
  expect: longStopExpectations,
  verdict,
};
