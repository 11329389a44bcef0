import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { tscWatchdogBudgets } from "./budgets.js";
import { tscWatchdogExpectations } from "./expect.js";
import type { Outcome } from "./outcome.js";
import { tscWatchdogParams } from "./params.js";
import { runTscWatchdog } from "./run.js";

function verdict({ observations }: RunResult, name: string): string {
  const ns = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const time = (value: bigint): string => formatQuantity(magnitude(value), "ns");
  switch (observations.outcome?.value as Outcome) {
    case "skew":
      return `${name}: the guest gives up its TSC, ${time(ns("perCheck"))} off in half a second, where ${time(ns("limit"))} are allowed`;
    case "read-back":
      return `${name}: the guest gives up its TSC, because reading it took too long`;
    case "skipped":
      return `${name}: the guest's watchdog compares nothing, and looks again after 300 s`;
    case "kept":
      return `${name}: the guest keeps a TSC that ${ns("perDay") < 0n ? "loses" : "gains"} ${time(ns("perDay"))} a day`;
  }
}

export const tscWatchdog: ScenarioDefinition<typeof tscWatchdogParams> = {
  id: "tsc-watchdog",
  title: "A guest's TSC at the wrong rate, and who notices",
  fix: "none: where nothing scales the TSC, user space is to heed KVM_SET_TSC_KHZ",
  story:
    "A guest moves to a host with a faster TSC and without hardware to scale it. KVM_SET_TSC_KHZ fails, user space goes on all the same, and the guest takes each cycle for what it was before. Its watchdog holds the TSC against kvm-clock each half second, and gives it up beyond 500 µs: a thousandth. What is less passes for ever, at up to 86 s a day, since no check remembers the last one. And reads that are interrupted too long cost a good TSC its trust, or the check five minutes.",
  sources: [
    { title: "the guest's watchdog, of 6.1 and of 6.12: docs/model/clocksource-tsc §4" },
    { title: "rules: docs/model/clocksource-tsc §5.1 and §5.2, docs/model/pvclock §1.6" },
    { title: "figures: docs/model/scenarios-clock §S8" },
  ],
  params: tscWatchdogParams,
  variants: { before: "v6.1", after: "v6.12" },
  axes: ["guestWatchdog", "guestKhz"],
  budgets: tscWatchdogBudgets,
  headline: "outcome",
  plot: "ahead",
  observe: {
    setTscKhz: { unit: "name", title: "KVM_SET_TSC_KHZ", headline: true },
    virtualKhz: { unit: "kHz", title: "KVM_GET_TSC_KHZ" },
    taken: { unit: "kHz", title: "guest takes its TSC for" },
    short: { unit: "kHz", title: "taken for less by", headline: true, signed: true },
    perCheck: {
      unit: "ns",
      title: "ahead of kvm-clock per check",
      headline: true,
      signed: true,
      optional: true,
    },
    limit: { unit: "ns", title: "the watchdog allows", headline: true },
    outcome: { unit: "name", title: "it finds", headline: true },
    check: { unit: "count", title: "at check", headline: true, optional: true },
    checks: { unit: "count", title: "checks" },
    skips: { unit: "count", title: "checks cut short", headline: true },
    perDay: { unit: "ns", title: "ahead in a day", headline: true, signed: true },
  },
  lengthNs: ({ length }) => length,
  run: runTscWatchdog,
  expect: tscWatchdogExpectations,
  verdict,
};
