/** How long a run looks at what follows the stop: what it measures, and what can be expected of that. */

/** A catch-up of exits that each take time is followed for this long, then measured as it stands. */
export const LONGEST_WATCHED_NS = 1_000_000_000n;

/** Periods watched after the catch-up: enough to see on which grid the ticks go on. */
export const PERIODS_AFTER = 20n;
