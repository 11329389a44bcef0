import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { masterClockLossBudgets } from "./budgets.js";
import { masterClockLossExpectations } from "./expect.js";
import { masterClockLossParams } from "./params.js";
import { runMasterClockLoss, runNs } from "./run.js";

function verdict({ observations }: RunResult, name: string): string {
  const value = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const [lost, causes, apart] = [value("lost"), value("causes"), magnitude(value("apartLater"))];
  const off =
    causes === 1n
      ? `the master clock ${lost === 1n ? "goes off" : "stays on"}`
      : `${formatQuantity(lost, "count")} of ${formatQuantity(causes, "count")} causes turn the master clock off`;
  const left =
    apart === 0n ? "the vCPUs' clocks stay together" : `clocks stay ${formatQuantity(apart, "ns")} apart`;
  return `${name}: ${off}, and ${left}`;
}

export const masterClockLoss: ScenarioDefinition<typeof masterClockLossParams> = {
  id: "master-clock-loss",
  title: "What costs a VM its master clock",
  fix: "c52ffadc65e2 · v6.7, for hotplug; equal frequencies · proposed in 2024",
  story:
    "On a master clock all vCPUs read time from one reference, so that their clocks agree without a lock. A TSC offset one cycle off, a boot vCPU that registers by the old MSR, or a host that leaves the TSC turns it off: each vCPU is given a reference of its own, clocks jump, and the guest holds back whichever is ahead. A guest that writes its TSC keeps it, and KVM tells nobody: that vCPU's clock is wrong by as much until something renews it, which no kernel from v6.19 on does by itself.",
  sources: [
    { title: "KVM: x86: no forced masterclock update on vCPU hotplug", commit: "c52ffadc65e2" },
    { title: "KVM: x86: revert periodic global clock updates", commit: "43ddbf16edf5" },
    { title: "Cleaning up the KVM clock mess, 2024 to 2026 (masterClockTsc): docs/model/pvclock §10" },
    { title: "rules: docs/model/pvclock §3 and §5, docs/model/clocksource-tsc §6" },
    { title: "figures: docs/model/scenarios-clock §S6" },
  ],
  params: masterClockLossParams,
  variants: { before: "v7.3", after: "v7.3 + masterClockTsc=equal-frequency" },
  comparison: [
    { label: "refreshed", kernel: "v6.6" },
    { label: "synced", kernel: "v6.18" },
    { label: "unsynced", kernel: "v7.3" },
    { label: "by frequency", kernel: "v7.3 + masterClockTsc=equal-frequency" },
  ],
  axes: ["masterClockTsc", "vcpuAddRefresh", "periodicSync", "gratuitousGlobal", "masterClockRequests"],
  budgets: masterClockLossBudgets,
  headline: "lost",
  plot: "apart",
  observe: {
    lost: { unit: "count", title: "causes that turn it off", headline: true },
    lostBy: { unit: "name", title: "which" },
    causes: { unit: "count", title: "causes" },
    updates: { unit: "count", title: "references taken", headline: true },
    jump: { unit: "ns", title: "furthest jump of K0", headline: true, signed: true },
    apart: { unit: "ns", title: "K1 \u2212 K0 at most", headline: true, signed: true },
    apartLater: { unit: "ns", title: "before it is undone", headline: true, signed: true },
    held: { unit: "ns", title: "K0 stands still for", headline: true },
  },
  lengthNs: runNs,
  run: runMasterClockLoss,
  expect: masterClockLossExpectations,
  verdict,
};
