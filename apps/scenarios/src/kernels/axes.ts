/**
 * What changed between kernel releases, as data: one entry per behaviour axis, its values oldest first, each with the
 * release and commit that brought it. Nothing else in the project knows which release did what.
 *
 * Source: docs/model/kernel-history §1 and §3 where an axis names no other. A commit is absent where the history page knows
 * none. `test/structure/kernel-table.test.ts` holds the table against that page and against what the packages export.
 */

import type { Axis } from "./axis.js";
import { HOST_AXES } from "./host-axes.js";
import { KVMCLOCK_AXES } from "./kvmclock-axes.js";
import { LAPIC_AXES } from "./lapic-axes.js";
import { LOCAL_APIC_AXES } from "./local-apic-axes.js";
import { TIMEKEEPING_AXES } from "./timekeeping-axes.js";
import { XEN_AXES } from "./xen-axes.js";

/** The oldest release the table speaks of; older ones are an error, not a guess. */
export const OLDEST_RELEASE = "v4.5";

export const AXES: readonly Axis[] = [
  ...LAPIC_AXES,
  ...HOST_AXES,
  ...XEN_AXES,
  ...KVMCLOCK_AXES,
  ...TIMEKEEPING_AXES,
  ...LOCAL_APIC_AXES,
];

/** Mainline releases the table covers, oldest first: `[major, first minor, last minor]`. */
const SERIES: ReadonlyArray<readonly [number, number, number]> = [
  [4, 5, 20],
  [5, 0, 19],
  [6, 0, 19],
  [7, 0, 3],
];

/** Every mainline release the table covers, oldest first. */
export const RELEASES: readonly string[] = SERIES.flatMap(([major, first, last]) =>
  Array.from({ length: last - first + 1 }, (_, i) => `v${major}.${first + i}`),
);
