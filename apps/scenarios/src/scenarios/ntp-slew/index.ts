import type { ObservationSpec, ScenarioDefinition } from "../../scenario/types.js";
import { ntpSlewBudgets } from "./budgets.js";
import { BLOCKED, WAIT_CASES } from "./cases.js";
import { ntpSlewExpectations } from "./expect.js";
import { ntpSlewParams } from "./params.js";
import { runNs, runNtpSlew } from "./run.js";
import { verdict } from "./verdict.js";

/** The last release whose clock event devices do not follow NTP: the one on which all mitigations differ. */
const KERNEL = "v7.0";
const under = (mitigation: string): string => `${KERNEL} + deadlineClock=${mitigation}`;

const waits = Object.fromEntries(
  [...WAIT_CASES, BLOCKED].map(({ id, title, shown }): [string, ObservationSpec] => [
    id,
    {
      unit: "ps",
      title,
      signed: true,
      optional: true,
      ...(shown === "always" ? { headline: true } : {}),
    },
  ]),
);

export const ntpSlew: ScenarioDefinition<typeof ntpSlewParams> = {
  id: "ntp-slew",
  title: "Guest deadlines on a clock that NTP bends",
  fix: "1c5631c73fc2 · v4.6, on ARM; none on x86",
  featured: true,
  story:
    "A guest asks for an interrupt at an instant of its TSC, and KVM waits for it on CLOCK_MONOTONIC, whose rate NTP bends against the TSC by up to 10 %. The wait ends early or late by slew times wait, and an L1 that looks finds L2 past its deadline, or back before it. Each mitigation ever proposed puts some waits right; several make others worse than none does: a wait stretched for a slew that ends meanwhile, or for a device that does not know of it.",
  sources: [
    { title: "KVM on ARM: the wait goes on after a forward correction (M4)", commit: "1c5631c73fc2" },
    { title: "timekeeping: clock event devices that follow the clock, v7.1", commit: "cd38bdb8e696" },
    { title: "the report: vmx_preemption_timer_test fails while a daemon slews the clock" },
    { title: "proposals for x86, 2016 to 2024, none of them merged: docs/model/kernel-history §2" },
    { title: "rules: docs/model/timekeeping-ntp §6 to §8, docs/model/hrtimer §6.2" },
    { title: "figures: docs/model/scenarios-clock §S2, docs/model/scenarios-lapic §S003" },
  ],
  params: ntpSlewParams,
  variants: { before: KERNEL, after: under("compensated-rechecked") },
  comparison: [
    { label: "M0 none", kernel: KERNEL },
    { label: "M1 raw", kernel: under("raw") },
    { label: "M2 compensated", kernel: under("rate-compensated") },
    { label: "M3 restarted", kernel: under("restart-on-update") },
    { label: "M4 rechecked", kernel: under("recheck-on-wake") },
    { label: "M5 mapped", kernel: under("mapped-each-tick") },
    { label: "M6 hardware", kernel: under("hardware-multiplexed") },
    { label: "M2-4 all", kernel: under("compensated-rechecked") },
  ],
  budgets: ntpSlewBudgets,
  headline: "worst",
  plot: "procedure",
  observe: {
    right: { unit: "count", title: `right, of ${WAIT_CASES.length} waits`, headline: true },
    worse: { unit: "count", title: "made worse than by M0", headline: true },
    worst: { unit: "ps", title: "worst of them", headline: true },
    ...waits,
    blockedCallbacks: { unit: "count", title: "callbacks until it woke" },
    lost: { unit: "flag", title: "wake-up lost", headline: true },
    runs: { unit: "count", title: "the report: runs of L2", headline: true },
    early: { unit: "count", title: "L1 back before the deadline", headline: true },
    late: { unit: "count", title: "L2 past its deadline", headline: true },
    failedAfterSlew: { unit: "count", title: "begun after the slew, failed" },
    worstRun: { unit: "ps", title: "worst run", signed: true },
    slewTime: { unit: "ns", title: "slew of a clock set back", optional: true },
    slewTimeAhead: { unit: "ns", title: "slew of a clock set forward", optional: true },
    monotonicStep: { unit: "ns", title: "step of CLOCK_MONOTONIC" },
    unsync: { unit: "flag", title: "clock marked unsynchronised" },
    advanceSettled: { unit: "ns", title: "advance, slow clock", headline: true },
    advanceAfter: { unit: "ns", title: "advance once it ended", headline: true },
    advanceWorst: { unit: "ps", title: "worst deadline then", signed: true, headline: true },
    far: { unit: "ps", title: "deadline 2^64/10^6 cycles off", signed: true, optional: true, headline: true },
  },
  lengthNs: runNs,
  run: runNtpSlew,
  expect: ntpSlewExpectations,
  verdict,
};
