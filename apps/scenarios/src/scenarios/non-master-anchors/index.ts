import type { RunResult, ScenarioDefinition } from "../../scenario/types.js";
import { formatQuantity } from "../../units/format-quantity.js";
import { magnitude } from "../../units/magnitude.js";
import { nonMasterAnchorsBudgets } from "./budgets.js";
import { nonMasterAnchorsExpectations } from "./expect.js";
import { nonMasterAnchorsParams } from "./params.js";
import { runNonMasterAnchors, runNs } from "./run.js";

function verdict({ observations, params }: RunResult, name: string): string {
  const value = (key: string): bigint => BigInt(observations[key]?.value ?? 0n);
  const apart = magnitude(value("apart"));
  if (apart === 0n) return `${name}: a vCPU that is moved keeps the others' time`;
  const [gap, lasts] = [apart, value("lasts")].map((ns) => formatQuantity(ns, "ns"));
  const [moves, kicks] = [BigInt(params.moves?.value ?? 0n), value("kicks")].map((n) =>
    formatQuantity(n, "count"),
  );
  return `${name}: a vCPU that is moved leaves clocks ${gap} apart for ${lasts}, and ${moves} moves kick the other ${kicks} times`;
}

export const nonMasterAnchors: ScenarioDefinition<typeof nonMasterAnchorsParams> = {
  id: "non-master-anchors",
  title: "Clocks of vCPUs that each have a reference of their own",
  fix: "446fcce2a52b · at once from v6.19; 8fe2e698fce4 · ten a second from v7.1",
  story:
    "Without a master clock each vCPU counts from a reference of its own, and drifts from the host's clock since then. Moved to another CPU a vCPU is given a new one, so that it falls behind those that keep theirs: 17.8 µs after the 300 s between two periodic syncs, which v6.19 dropped. KVM then renews the others too: up to v6.18 100 ms later, from v6.19 on at once, by a kick for every move, and from v7.1 on for ten moves a second. Meanwhile the guest holds the clock of the one that is behind.",
  sources: [
    { title: "KVM: x86: revert rate-limit of global clock updates", commit: "446fcce2a52b" },
    { title: "KVM: x86: rate-limit global clock updates on vCPU load", commit: "8fe2e698fce4" },
    { title: "KVM: x86: revert periodic global clock updates", commit: "43ddbf16edf5" },
    { title: "rules: docs/model/pvclock §1.5, §2 and §5.4; proposals: §10" },
    { title: "figures: docs/model/scenarios-clock §S10" },
  ],
  params: nonMasterAnchorsParams,
  variants: { before: "v6.18", after: "v6.19" },
  comparison: [
    { label: "delayed", kernel: "v6.12" },
    { label: "immediate", kernel: "v6.19" },
    { label: "ratelimited", kernel: "v7.1" },
    { label: "by frequency", kernel: "v7.1 + masterClockTsc=equal-frequency" },
  ],
  axes: ["globalUpdate", "periodicSync", "masterClockTsc", "gratuitousGlobal"],
  budgets: nonMasterAnchorsBudgets,
  headline: "apart",
  plot: "apart",
  observe: {
    apart: { unit: "ns", title: "K1 \u2212 K0, vCPU 0 moved", headline: true, signed: true },
    lasts: { unit: "ns", title: "for", headline: true, optional: true },
    stands: { unit: "ns", title: "K0 stands still for", headline: true },
    stood: { unit: "count", title: "after so many of 40 reads", headline: true },
    kicks: { unit: "count", title: "kicks of vCPU 1", headline: true },
    renewals: { unit: "count", title: "updates of its clock", headline: true },
    laterApart: { unit: "ns", title: "apart after later moves", headline: true },
  },
  lengthNs: runNs,
  run: runNonMasterAnchors,
  expect: nonMasterAnchorsExpectations,
  verdict,
};
