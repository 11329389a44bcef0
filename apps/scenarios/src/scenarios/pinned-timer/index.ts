import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { pinnedTimerBudgets } from "./budgets.js";
import { pinnedTimerExpectations } from "./expect.js";
import { pinnedTimerParams } from "./params.js";
import { expectedRunNs, runPinnedTimer } from "./run.js";

function verdict({ observations }: RunResult, name: string): string {
  const value = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const [expirations, seen] = [value("expirations"), value("seen")];
  const count = (number: bigint): string => formatQuantity(number, "count");
  if (seen + 1n < expirations) {
    return `${name}: the guest saw ${count(seen)} of ${count(expirations)} expiries`;
  }
  if (seen === 0n) return `${name}: no timer expired`;
  return `${name}: 99 % of the timers reach the guest within ${formatQuantity(value("p99"), "ns")}`;
}

export const pinnedTimer: ScenarioDefinition<typeof pinnedTimerParams> = {
  id: "pinned-timer",
  title: "LAPIC timer far from its vCPU",
  fix: "61abdbe0bcc2 · fixed in v4.6",
  featured: true,
  story:
    "A guest's timer is a timer of the host, and a host with nohz_full CPUs may queue it on a housekeeping CPU instead of the one that runs the vCPU. Expiring there, it only leaves a note: a guest that keeps running finds it at its next exit, which on a CPU without a tick can be a second away. The fix pins the timer to the vCPU's CPU. Later kernels let it expire anywhere and interrupt the vCPU's CPU: by a kick, or by posting it into the guest.",
  sources: [
    { title: "kvm: x86: make lapic hrtimer pinned", commit: "61abdbe0bcc2" },
    { title: "nohz: affine unpinned timers to housekeepers (the cause)", commit: "9642d18eee2c" },
    { title: "KVM: LAPIC: make lapic timer unpinned, with a kick", commit: "4d151bf3b89e" },
    { title: "KVM: LAPIC: inject timer interrupt via posted interrupt", commit: "0c5f81dad46c" },
    { title: "rules: docs/model/hrtimer §7 and §8; figures: docs/model/scenarios-lapic §S001" },
  ],
  params: pinnedTimerParams,
  variants: { before: "v4.5", after: "v4.6" },
  comparison: [
    { label: "unpinned", kernel: "v4.5" },
    { label: "pinned", kernel: "v4.6" },
    { label: "kick", kernel: "v5.3" },
    { label: "posted", kernel: "v5.3 + timerPlacement=posted" },
  ],
  axes: ["timerPlacement", "equalTarget", "forceLocal"],
  budgets: pinnedTimerBudgets,
  headline: "p99",
  histogram: "latency",
  observe: {
    expirations: { unit: "count", title: "timers expired", headline: true },
    seen: { unit: "count", title: "interrupts the guest saw", headline: true },
    coalesced: { unit: "count", title: "expired while one was pending" },
    elsewhere: { unit: "count", title: "expired on another CPU", headline: true },
    crossed: { unit: "count", title: "injected on another CPU than expired" },
    p50: { unit: "ns", title: "delay, p50", optional: true },
    p90: { unit: "ns", title: "delay, p90", optional: true },
    p99: { unit: "ns", title: "delay, 99 % within", headline: true, optional: true },
    p999: { unit: "ns", title: "delay, p99.9", optional: true },
    max: { unit: "ns", title: "longest delay", headline: true, optional: true },
    mean: { unit: "ns", title: "mean delay", headline: true, optional: true },
    hereP50: { unit: "ns", title: "p50 of those expired on the vCPU's CPU", optional: true },
    hereMax: { unit: "ns", title: "longest of those", optional: true },
    elsewhereP50: { unit: "ns", title: "p50 of those expired elsewhere", optional: true },
    elsewhereMax: { unit: "ns", title: "longest of those", optional: true },
    exits: { unit: "count", title: "VM exits" },
    exitsPerThousand: { unit: "count", title: "VM exits per 1000 timers", headline: true },
    interruptExits: { unit: "count", title: "VM exits for the CPU's own interrupts" },
    kicks: { unit: "count", title: "VM exits for kicks", headline: true },
    inj: { unit: "count", title: "injections attempted" },
    irrSet: { unit: "count", title: "request bit set" },
    restarts: { unit: "count", title: "times the hrtimer was armed" },
    length: { unit: "ns", title: "simulated" },
  },
  lengthNs: expectedRunNs,
  run: runPinnedTimer,
  expect: pinnedTimerExpectations,
  verdict,
};
