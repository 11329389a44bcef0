import { all, atMost, number } from "../scenario/judge.js";
import type { ExpectationSpec } from "../scenario/types.js";

/** What holds of every LAPIC timer run, whatever the kernel and the parameters (docs/model/scenarios-lapic). */
export const conservation: ExpectationSpec<unknown> = {
  text: "no injection is invented: attempted ≥ latched ≥ seen",
  reason: "each expiry injects at most once, and one request bit holds any number of them",
  judge: ({ measured }) => {
    const [inj, irrSet, seen] = ["inj", "irrSet", "seen"].map((name) => number(measured, name));
    return all([atMost(irrSet ?? 0n, inj ?? 0n, "count"), atMost(seen ?? 0n, irrSet ?? 0n, "count")]);
  },
};
