import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { masterClockYankBudgets } from "./budgets.js";
import { masterClockYankExpectations } from "./expect.js";
import { type MasterClockYankParams, masterClockYankParams } from "./params.js";
import { runMasterClockYank, runNs } from "./run.js";

const EVENTS: Readonly<Record<MasterClockYankParams["cause"], string>> = {
  "xen-map": "mapping Xen's shared_info",
  hotplug: "plugging in a vCPU",
  "set-clock": "setting the clock to what it reads",
  request: "a request for a new reference",
};

function verdict({ observations, params }: RunResult, name: string): string {
  const jump = BigInt(observations.jump?.value ?? 0n);
  const event = EVENTS[params.cause?.value as MasterClockYankParams["cause"]];
  if (jump >= -1n && jump <= 1n) return `${name}: ${event} leaves the guest's clock where it is`;
  const size = formatQuantity(magnitude(jump), "ns");
  const direction = jump < 0n ? "throws the guest's clock back" : "puts the guest's clock forward";
  const noticed = observations.unstable?.value === true ? ", and its watchdog gives up the TSC" : "";
  return `${name}: ${event} ${direction} by ${size}${noticed}`;
}

export const masterClockYank: ScenarioDefinition<typeof masterClockYankParams> = {
  id: "master-clock-yank",
  title: "A guest's clock that is yanked back to the host's",
  fix: "633d7652f80f · v7.3 expected, for Xen; c52ffadc65e2 · v6.7, for hotplug",
  story:
    "On a master clock a guest reads its TSC by a multiplier, from a reference that KVM took of CLOCK_MONOTONIC_RAW. The two run at rates some 60 ppb apart, 460 ppb where the TSC is scaled. A new reference puts the guest's clock back on the host's at once: milliseconds for a day, back more often than not, and under a flag that tells the guest not to guard against it. Mapping a page for Xen or plugging in a vCPU took one for nothing.",
  sources: [
    { title: "KVM: x86/xen: do not corrupt the KVM clock in shared_info init", commit: "633d7652f80f" },
    { title: "KVM: x86: no forced masterclock update on vCPU hotplug", commit: "c52ffadc65e2" },
    { title: "KVM: x86: kvmclock's base to CLOCK_MONOTONIC_RAW", commit: "53fafdbb8b21" },
    { title: "proposal, 2024: one new reference serves all requests: docs/model/pvclock §10" },
    { title: "rules: docs/model/pvclock §2, §3 and §7, docs/model/clocksource-tsc §4" },
    { title: "figures: docs/model/scenarios-clock §S3" },
  ],
  params: masterClockYankParams,
  variants: { before: "v7.2", after: "v7.3" },
  comparison: [
    { label: "v7.2", kernel: "v7.2" },
    { label: "once for all", kernel: "v7.2 + masterClockRequests=once" },
    { label: "v7.3", kernel: "v7.3" },
  ],
  axes: [
    "xenMapYank",
    "vcpuAddRefresh",
    "masterClockRequests",
    "base",
    "guestKhz",
    "getClock",
    "guestWatchdog",
  ],
  budgets: masterClockYankBudgets,
  headline: "jump",
  plot: "ahead",
  observe: {
    jump: { unit: "ns", title: "clock jumps by", headline: true, signed: true },
    references: { unit: "count", title: "new references", headline: true },
    ahead: { unit: "ns", title: "guest ahead before", headline: true, signed: true },
    reads: { unit: "ns", title: "two reads 2 µs apart", headline: true, signed: true },
    backwards: { unit: "flag", title: "guest time goes back", headline: true },
    stable: { unit: "flag", title: "TSC_STABLE still set", headline: true },
    unstable: { unit: "flag", title: "guest gives up its TSC", headline: true },
    skew: { unit: "ns", title: "TSC fast of kvm-clock by", signed: true, optional: true },
  },
  lengthNs: runNs,
  run: runMasterClockYank,
  expect: masterClockYankExpectations,
  verdict,
};
