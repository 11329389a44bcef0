import type { ObservationSpec, ScenarioDefinition } from "../../scenario/types.js";
import { liveMigrationBudgets } from "./budgets.js";
import { liveMigrationExpectations } from "./expect.js";
import { liveMigrationParams } from "./params.js";
import { runLiveMigration, runNs } from "./run.js";
import { verdict } from "./verdict.js";

/** The newest release, and it with what was proposed since. */
const KERNEL = "v7.3";
const MENDED = `${KERNEL} + getClock=via-guest-tsc + catchup=now`;

const observe: Readonly<Record<string, ObservationSpec>> = {
  tscAhead: { unit: "ns", title: "guest TSC ahead", signed: true, headline: true },
  tscAheadCycles: { unit: "cycles", title: "guest TSC ahead", signed: true },
  clockAhead: { unit: "ns", title: "guest clock ahead", signed: true, headline: true },
  clockAgainstTsc: { unit: "ns", title: "clock against its TSC", signed: true, headline: true },
  behindAtGet: { unit: "ns", title: "KVM_GET_CLOCK behind the guest" },
  setTscKhz: { unit: "count", title: "KVM_SET_TSC_KHZ" },
  setClockGuest: { unit: "count", title: "KVM_SET_CLOCK_GUEST", optional: true },
  masterClock: { unit: "flag", title: "master clock", headline: true },
  savedTsc: { unit: "cycles", title: "guest TSC saved" },
  guestTsc: { unit: "cycles", title: "guest TSC on arrival" },
  offset: { unit: "cycles", title: "offset written", optional: true },
  documentedAhead: { unit: "ns", title: "by the documented formula", signed: true, headline: true },
  slowGain: { unit: "ns", title: "slow host: its TSC gains", signed: true, headline: true },
  nearTscKhz: { unit: "kHz", title: "near host: KVM_GET_TSC_KHZ" },
  lag: { unit: "ns", title: "slow host: most behind, of 100 exits", headline: true },
  lagCycles: { unit: "cycles", title: "slow host: most behind" },
  lagOffCycles: { unit: "cycles", title: "without a master clock: most behind" },
  stepOffCycles: { unit: "cycles", title: "without a master clock: step of the first exit" },
  behindAtEndOffCycles: { unit: "cycles", title: "without a master clock: behind after the last exit" },
  young: { unit: "name", title: "a young guest's first TSC", headline: true },
};

export const liveMigration: ScenarioDefinition<typeof liveMigrationParams> = {
  id: "live-migration",
  title: "Guest clocks that do not survive a live migration",
  fix: "none merged; bf328e22e472 · v6.7, for a young guest's TSC",
  story:
    "A guest moves to a host whose TSC runs at another rate. User space is told to compute the new TSC offset from a reading of the guest's clock on either side, by a formula that forgets scaling and puts the guest's TSC hours off. The clock it restores is KVM's own reckoning, milliseconds behind what the guest read last. On hardware that does not scale, KVM moves a slow TSC on at every exit, but under a master clock it does so once and then never again. Proposals let KVM read by the guest's TSC, and save and restore the guest's very clock.",
  sources: [
    { title: "KVM: x86: let userspace set the TSC of a young guest", commit: "bf328e22e472" },
    { title: "KVM's documentation: devices/vcpu, KVM_VCPU_TSC_OFFSET (the formula)" },
    { title: "proposals for the clock itself, 2024 to 2026: docs/model/pvclock §10" },
    { title: "rules: docs/model/pvclock §7 and §8, docs/model/clocksource-tsc §5 and §6" },
    { title: "figures: docs/model/scenarios-clock §S4" },
  ],
  params: liveMigrationParams,
  variants: { before: KERNEL, after: MENDED },
  comparison: [
    { label: "v6.6", kernel: "v6.6" },
    { label: "v7.3", kernel: KERNEL },
    { label: "precise getClock", kernel: `${KERNEL} + getClock=via-guest-tsc` },
    { label: "catch-up now", kernel: `${KERNEL} + catchup=now` },
    { label: "both", kernel: MENDED },
  ],
  axes: ["base", "userTsc", "guestKhz", "getClock", "masterClockTsc", "catchup"],
  budgets: liveMigrationBudgets,
  headline: "clockAhead",
  plot: "stairs",
  observe,
  lengthNs: runNs,
  run: runLiveMigration,
  expect: liveMigrationExpectations,
  verdict,
};
