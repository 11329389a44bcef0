import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { hostSuspendBudgets } from "./budgets.js";
import { hostSuspendExpectations } from "./expect.js";
import { hostSuspendParams } from "./params.js";
import { runHostSuspend, runNs } from "./run.js";

const NS_PER_MS = 1_000_000n;

function verdict({ observations, params }: RunResult, name: string): string {
  const number = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const sleep = formatQuantity(BigInt(params.sleep?.value ?? 0n), "ns");
  if (params.tsc?.value === "counts") {
    return `${name}: a guest whose host slept ${sleep} has slept as well, by its TSC and by its clock`;
  }
  if (params.tsc?.value === "stops") {
    return `${name}: a guest whose host slept ${sleep} knows nothing of it until a new reference moves its clock by ${formatQuantity(number("step"), "ns")}`;
  }
  const apart = `after ${sleep} of sleep the guest's clock and its TSC are ${formatQuantity(number("apart"), "ns")} apart`;
  const writeOff = (magnitude(number("writeOff")) * NS_PER_MS) / BigInt(params.guestKhz?.value ?? 1n);
  return writeOff === 0n
    ? `${name}: ${apart}, and its master clock is gone`
    : `${name}: ${apart}, its master clock is gone, and a TSC written then is off by ${formatQuantity(writeOff, "ns")}`;
}

export const hostSuspend: ScenarioDefinition<typeof hostSuspendParams> = {
  id: "host-suspend",
  title: "A guest whose host went to sleep",
  fix: "bf328e22e472 · v6.7, for a TSC written afterwards; none for the rest",
  story:
    "A host's TSC may count through a sleep, stop, or begin anew, and its CLOCK_MONOTONIC knows nothing of the sleep. KVM gives a guest whose TSC would go backwards what was lost, so that it goes on where it stopped; the guest's clock is told of the sleep with the next reference. So clock and TSC part by the whole sleep, timers are late by it, and after a TSC that began anew the VM never has a master clock again.",
  sources: [
    { title: "KVM: x86: disable master clock if TSC is reset during suspend (2014)" },
    { title: "KVM: x86: a first TSC write of user space is taken as it is", commit: "bf328e22e472" },
    { title: "KVM: x86: kvmclock's base to CLOCK_MONOTONIC_RAW", commit: "53fafdbb8b21" },
    { title: "rules: docs/model/clocksource-tsc §6.3 and §6.6, docs/model/pvclock §2 and §3" },
    { title: "figures: docs/model/scenarios-clock §S7" },
  ],
  params: hostSuspendParams,
  variants: { before: "v6.6", after: "v7.3" },
  comparison: [
    { label: "v6.6", kernel: "v6.6" },
    { label: "v7.3", kernel: "v7.3" },
    { label: "Hz", kernel: "v7.3 + guestKhz=hz" },
  ],
  axes: ["userTsc", "periodicSync", "base", "guestKhz"],
  budgets: hostSuspendBudgets,
  headline: "apart",
  plot: "off",
  observe: {
    tscGain: { unit: "cycles", title: "guest TSC goes on by", headline: true, signed: true },
    clockGain: { unit: "ns", title: "its clock goes on by", headline: true, signed: true },
    step: { unit: "ns", title: "step at a new reference", headline: true, signed: true },
    apart: { unit: "ns", title: "clock ahead of TSC then", headline: true, signed: true },
    off: { unit: "ns", title: "clock off true time then", signed: true },
    lost: { unit: "cycles", title: "host TSC found behind by", headline: true },
    given: { unit: "cycles", title: "given to the guest's", headline: true },
    masterOnWaking: { unit: "flag", title: "master clock on waking" },
    masterAfter: { unit: "flag", title: "master clock afterwards", headline: true },
    monotonicGain: { unit: "ns", title: "CLOCK_MONOTONIC" },
    rawGain: { unit: "ns", title: "CLOCK_MONOTONIC_RAW" },
    boottimeGain: { unit: "ns", title: "CLOCK_BOOTTIME" },
    deadlineLate: { unit: "ns", title: "deadline late by", headline: true, signed: true },
    deadlineError: { unit: "cycles", title: "by the guest's TSC", signed: true },
    firstTick: { unit: "ns", title: "first tick after waking", optional: true },
    ticks: { unit: "count", title: "ticks in 10 periods", headline: true },
    expectedWrite: { unit: "cycles", title: "TSC value KVM would expect", optional: true },
    writeOff: {
      unit: "cycles",
      title: "TSC off what was written",
      headline: true,
      signed: true,
      optional: true,
    },
  },
  lengthNs: runNs,
  run: runHostSuspend,
  expect: hostSuspendExpectations,
  verdict,
};
