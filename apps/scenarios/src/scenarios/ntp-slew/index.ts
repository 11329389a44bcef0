import type { ObservationSpec, ScenarioDefinition } from "../../scenario/types.js";
import { WAIT_CASES } from "./cases.js";
import { ntpSlewParams } from "./params.js";
import { runNs, runNtpSlew } from "./run.js";

const KERNEL = "v7.0";
const under = (mitigation: string): string => `${KERNEL} + deadlineClock=${mitigation}`;

const waits = Object.fromEntries(
  WAIT_CASES.map(({ id, title, victim }): [string, ObservationSpec] => [
    id,
    {
      unit: "ps",
      title: victim === "lapic" ? title : `L2: ${title}`,
      headline: true,
      signed: true,
      optional: true,
    },
  ]),
);

export const ntpSlew: ScenarioDefinition<typeof ntpSlewParams> = {
  id: "ntp-slew",
  title: "Guest deadlines on a clock that NTP bends",
  fix: "x",
  story: "x",
  sources: [],
  params: ntpSlewParams,
  variants: { before: KERNEL, after: under("compensated-rechecked") },
  comparison: [
    { label: "M0 monotonic", kernel: KERNEL },
    { label: "M1 raw", kernel: under("raw") },
    { label: "M2 compensated", kernel: under("rate-compensated") },
    { label: "M3 restarted", kernel: under("restart-on-update") },
    { label: "M4 rechecked", kernel: under("recheck-on-wake") },
    { label: "M5 mapped", kernel: under("mapped-each-tick") },
    { label: "M6 hardware", kernel: under("hardware-multiplexed") },
    { label: "best M2+M3+M4", kernel: under("compensated-rechecked") },
  ],
  headline: "worst",
  plot: "procedure",
  observe: {
    ...waits,
    blocked: { unit: "ps", title: "halted, ticking CPU", headline: true, signed: true, optional: true },
    blockedCallbacks: { unit: "count", title: "callbacks" },
    lost: { unit: "flag", title: "wake-up lost", headline: true },
    runs: { unit: "count", title: "runs of L2", headline: true },
    early: { unit: "count", title: "L1 back too early", headline: true },
    late: { unit: "count", title: "L2 past its deadline", headline: true },
    failedAfterSlew: { unit: "count", title: "failed after the slew" },
    worstRun: { unit: "ps", title: "worst run", signed: true },
    slewTime: { unit: "ns", title: "slew took", optional: true },
    monotonicStep: { unit: "ns", title: "x" },
    unsync: { unit: "flag", title: "x" },
    advanceSettled: { unit: "ns", title: "advance under the slow slew", headline: true },
    advanceAfter: { unit: "ns", title: "advance after it", headline: true },
    advanceWorst: { unit: "ps", title: "worst deadline then", signed: true, headline: true },
    far: { unit: "ps", title: "deadline in 2.05 h", signed: true, optional: true, headline: true },
    worst: { unit: "ps", title: "worst", headline: true },
  },
  lengthNs: runNs,
  run: runNtpSlew,
  expect: [],
  verdict: (_r, name) => name,
};
