import { expect } from "vitest";
import type { DeadlineClock, LapicTimerConfig } from "../src/index.js";
import { type Fixture, type FixtureOptions, fixture } from "./fake-host.js";
import type { SteeredHost } from "./steered-host.js";

const TSC_DEADLINE = 0x4_0000;
const VECTOR = 0xec;

/** Restarted and lost expiries of a run, and the guest TSC minus the deadline at its one expiration, if it had one. */
export interface Outcome {
  readonly missed: bigint | undefined;
  readonly rechecks: readonly (readonly [cyclesLeft: bigint, outcome: string])[];
  readonly compensations: number;
}

/** A deadline timer on a steered host, and what became of it. */
export interface DeadlineFixture extends Fixture {
  readonly host: SteeredHost;
  readonly outcome: () => Outcome;
}

/** A timer in TSC-deadline mode on its hrtimer, over a steered host and with everything any value needs. */
export function deadlineTimer(
  deadlineClock: DeadlineClock,
  host: SteeredHost,
  config: Partial<LapicTimerConfig> = {},
  options: FixtureOptions = {},
): DeadlineFixture {
  const rechecks: [bigint, string][] = [];
  const misses: bigint[] = [];
  let compensations = 0;
  const f = fixture({
    host,
    createRawTimer: host.createRawTimer,
    rateShift: 5,
    ...options,
    config,
    behaviours: { hvModes: "none", deadlineClock, ...options.behaviours },
    events: {
      onRecheck: (cyclesLeft, outcome) => rechecks.push([cyclesLeft, outcome]),
      onCompensate: () => {
        compensations += 1;
      },
      onExpire: () => misses.push(f.guest() - f.timer.tscDeadline),
      ...options.events,
    },
  });
  f.timer.writeLvtt(TSC_DEADLINE | VECTOR);
  const outcome = (): Outcome => {
    // At most one expiration, however many callbacks.
    expect(misses.length).toBeLessThan(2);
    return { missed: misses[0], rechecks, compensations };
  };
  return { ...f, host, outcome };
}
