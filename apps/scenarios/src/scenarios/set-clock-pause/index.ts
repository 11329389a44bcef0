import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { setClockPauseBudgets } from "./budgets.js";
import { setClockPauseExpectations } from "./expect.js";
import { setClockPauseParams } from "./params.js";
import { pauseNs } from "./pause.js";
import { runSetClockPause } from "./run.js";
import type { Outcome } from "./watched-guest.js";

const NEWEST = "v7.3";

const MAKES_OF_IT: Readonly<Record<Outcome, string>> = {
  unstable: "the guest gives up its TSC",
  "not compared": "its watchdog does not compare so long an interval",
  "starts over": "its watchdog starts over",
  unnoticed: "its watchdog notices nothing",
};

function verdict({ observations, params }: RunResult, name: string): string {
  const lost = BigInt(observations.lost?.value ?? 0n);
  const pause = formatQuantity(BigInt(params.pause?.value ?? 0n), "ns");
  const size = formatQuantity(magnitude(lost), "ns");
  const outcome = MAKES_OF_IT[observations.outcome?.value as Outcome];
  const where = lost >= -2n && lost <= 2n ? "on time" : `${size} ${lost < 0n ? "fast" : "behind"}`;
  return `${name}: a pause of ${pause} leaves kvm-clock ${where}, and ${outcome}`;
}

export const setClockPause: ScenarioDefinition<typeof setClockPauseParams> = {
  id: "set-clock-pause",
  title: "A paused guest whose clock is set to what it was",
  fix: "none merged; KVM_GET_CLOCK by the guest's TSC and KVM_SET_CLOCK_GUEST are proposed",
  story:
    "User space stops a guest, saves its clock with KVM_GET_CLOCK, and sets it again before the guest goes on. The TSC has counted on meanwhile: kvm-clock is behind it by the pause, and by what KVM reckoned wrong. The guest's watchdog compares the two each half second and gives up the innocent TSC for good, if the pause was neither too short nor too long for it. KVM_KVMCLOCK_CTRL tells the guest that it was stopped, which helps if anything looks in time.",
  sources: [
    { title: "proposals for KVM_GET_CLOCK and KVM_SET_CLOCK_GUEST, 2024 to 2026: docs/model/pvclock §10" },
    { title: "rules: docs/model/pvclock §6 to §8, docs/model/clocksource-tsc §4" },
    { title: "figures: docs/model/scenarios-clock §S5" },
  ],
  params: setClockPauseParams,
  variants: { before: NEWEST, after: `${NEWEST} + getClock=via-guest-tsc` },
  axes: ["getClock", "guestKhz", "guestWatchdog"],
  budgets: setClockPauseBudgets,
  headline: "lost",
  plot: "behind",
  observe: {
    lost: { unit: "ns", title: "kvm-clock loses", headline: true, signed: true },
    tsc: { unit: "cycles", title: "its TSC counts on by", headline: true },
    across: { unit: "ns", title: "last read to next one", headline: true, signed: true },
    backwards: { unit: "flag", title: "guest time goes back", headline: true },
    outcome: { unit: "name", title: "guest's watchdog", headline: true },
    skew: { unit: "ns", title: "TSC ahead of kvm-clock by", signed: true, optional: true, headline: true },
    standstill: { unit: "ns", title: "clamp holds it for", optional: true },
    stands: { unit: "flag", title: "stands still till then", optional: true },
    stable: { unit: "flag", title: "TSC_STABLE set" },
    startAtZero: { unit: "ns", title: "system_time of a VM set to 0 at its start", signed: true },
  },
  lengthNs: pauseNs,
  run: runSetClockPause,
  expect: setClockPauseExpectations,
  verdict,
};
