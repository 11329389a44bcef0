import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { hypervPageBudgets } from "./budgets.js";
import { hypervPageExpectations } from "./expect.js";
import { hypervPageParams } from "./params.js";
import { runHypervPage, runNs } from "./run.js";

const UNIT_NS = 100n;

function verdict({ observations, params }: RunResult, name: string): string {
  const fallback = BigInt(observations.fallback?.value ?? 0n) * UNIT_NS;
  const age = formatQuantity(BigInt(params.age?.value ?? 0n), "ns");
  if (magnitude(fallback) <= UNIT_NS) {
    return `${name}: a guest that is without its page after ${age} finds its time where the page had it`;
  }
  const size = formatQuantity(magnitude(fallback), "ns");
  return `${name}: a guest that is without its page after ${age} finds its time ${size} ${fallback < 0n ? "back" : "on"}`;
}

export const hypervPage: ScenarioDefinition<typeof hypervPageParams> = {
  id: "hyperv-page",
  title: "Hyper-V's reference time, by page and by counter",
  fix: "none; proposals for the clock itself since 2024",
  story:
    "A guest of Hyper-V's interface reads its reference time from a page that says how its TSC becomes time, or, without one, from a counter that KVM computes. The page says what kvmclock says. The counter goes by KVM's own reckoning from the host's TSC, 400 ns a second slower where the TSC is scaled; and every new reference moves the page to the host's clock. So time steps when a page comes into force, when it is taken away, and when the host leaves its TSC and breaks it.",
  sources: [
    { title: "proposals for the clock itself, 2024 to 2026: docs/model/pvclock §10" },
    { title: "rules: docs/model/pvclock §3.2, §6 and §9" },
    { title: "figures: docs/model/scenarios-clock §S9" },
  ],
  params: hypervPageParams,
  variants: { before: "v7.3", after: "v7.3 + getClock=via-guest-tsc + guestKhz=hz" },
  comparison: [
    { label: "v7.3", kernel: "v7.3" },
    { label: "guest's TSC", kernel: "v7.3 + getClock=via-guest-tsc" },
    { label: "Hz too", kernel: "v7.3 + getClock=via-guest-tsc + guestKhz=hz" },
  ],
  axes: ["getClock", "guestKhz", "masterClockRequests", "base"],
  budgets: hypervPageBudgets,
  headline: "fallback",
  plot: "fallback",
  observe: {
    scale: { unit: "name", title: "page's scale", headline: true },
    worst: { unit: "ns", title: "page off kvmclock", headline: true },
    fallback: { unit: "count", title: "counter off page, 100 ns", headline: true, signed: true },
    named: { unit: "count", title: "page named: step, 100 ns", signed: true, optional: true },
    reference: { unit: "count", title: "new reference: step, 100 ns", signed: true, optional: true },
    removed: { unit: "count", title: "page taken away: step, 100 ns", signed: true, optional: true },
    lost: { unit: "count", title: "host leaves its TSC: step, 100 ns", signed: true, optional: true },
    moved: { unit: "count", title: "moved: step, 100 ns", signed: true, optional: true },
    frozen: { unit: "count", title: "moved, emulated TSC: step, 100 ns", signed: true, optional: true },
    inForce: {
      unit: "count",
      title: "that page in force: counter steps, 100 ns",
      headline: true,
      signed: true,
      optional: true,
    },
    frozenAhead: {
      unit: "ns",
      title: "that page off kvmclock",
      signed: true,
      headline: true,
      optional: true,
    },
    afterLoss: { unit: "name", title: "page after host's TSC is back", headline: true, optional: true },
  },
  lengthNs: runNs,
  run: runHypervPage,
  expect: hypervPageExpectations,
  verdict,
};
