import type { Table } from "../../scenario/types.js";
import { type ClockMethod, type LiveMigrationParams, nsIn, type TscMethod } from "./params.js";
import { type MethodOutcome, SKEW_SHOWN_NS } from "./run-methods.js";
import type { WritesOutcome, YoungOutcome } from "./tsc-writes.js";
import type { UnscaledOutcome } from "./unscaled.js";

/** How a table calls a way to restore the TSC. */
const TSC_WORDS: Readonly<Record<TscMethod, string>> = {
  "scaled-offset": "offset, scaled",
  "documented-offset": "offset, documented",
  absolute: "IA32_TSC",
};

/** How it calls a way to restore the clock. */
const CLOCK_WORDS: Readonly<Record<ClockMethod, string>> = {
  "set-clock": "SET_CLOCK",
  "set-clock-guest": "SET_CLOCK_GUEST",
};

export function methodsTable(outcomes: readonly MethodOutcome[], { guestKhz }: LiveMigrationParams): Table {
  return {
    title: "what the guest finds on the destination, by how it was restored",
    columns: [
      { name: "tsc", unit: "name", title: "TSC by" },
      { name: "clock", unit: "name", title: "clock by" },
      { name: "tscAhead", unit: "ns", title: "TSC ahead", signed: true },
      { name: "clockAhead", unit: "ns", title: "clock ahead", signed: true },
      { name: "clockAgainstTsc", unit: "ns", title: "against TSC", signed: true },
    ],
    rows: outcomes.map(({ tsc, clock, arrival }) => [
      TSC_WORDS[tsc],
      CLOCK_WORDS[clock],
      nsIn(arrival.tscAhead, guestKhz),
      arrival.clockAhead,
      arrival.clockAgainstTsc,
    ]),
  };
}

export function skewTable(outcomes: readonly MethodOutcome[], { guestKhz }: LiveMigrationParams): Table {
  return {
    title: `what ${SKEW_SHOWN_NS / 1_000_000n} ms more of CLOCK_REALTIME on the destination adds`,
    columns: [
      { name: "tsc", unit: "name", title: "TSC by" },
      { name: "clock", unit: "name", title: "clock by" },
      { name: "tscShift", unit: "ns", title: "to the TSC", signed: true },
      { name: "clockShift", unit: "ns", title: "to the clock", signed: true },
    ],
    rows: outcomes.map(({ tsc, clock, arrival, skewed }) => [
      TSC_WORDS[tsc],
      CLOCK_WORDS[clock],
      nsIn(skewed.tscAhead - arrival.tscAhead, guestKhz),
      skewed.clockAhead - arrival.clockAhead,
    ]),
  };
}

export function unscaledTable(
  outcomes: readonly UnscaledOutcome[],
  { guestKhz }: LiveMigrationParams,
): Table {
  return {
    title: "what the guest gains on destinations without scaling, over the time watched",
    columns: [
      { name: "hostKhz", unit: "kHz", title: "host" },
      { name: "masterClock", unit: "flag", title: "master" },
      { name: "catchup", unit: "name", title: "computed" },
      { name: "setTscKhz", unit: "name", title: "SET_TSC_KHZ" },
      { name: "tscAhead", unit: "ns", title: "its TSC", signed: true },
      { name: "clockAhead", unit: "ns", title: "its clock", signed: true },
      { name: "clockPairing", unit: "count", title: "pairing" },
    ],
    rows: outcomes.map((outcome) => [
      outcome.hostKhz,
      outcome.masterClockRuns,
      outcome.catchup === "now" ? "for now" : "by kernel",
      outcome.setTscKhz,
      nsIn(outcome.tscAhead, guestKhz),
      outcome.clockAhead,
      outcome.clockPairing,
    ]),
  };
}

export function writesTable(outcomes: readonly WritesOutcome[], { guestKhz }: LiveMigrationParams): Table {
  return {
    title: "IA32_TSC written vCPU by vCPU: the last one's value, against the write before carried forward",
    columns: [
      { name: "value", unit: "name", title: "value" },
      { name: "off", unit: "cycles", title: "off by", signed: true },
      { name: "joined", unit: "flag", title: "matched" },
      { name: "apart", unit: "ns", title: "counters apart", signed: true },
      { name: "masterClock", unit: "flag", title: "master clock" },
    ],
    rows: outcomes.map(({ name, offBy, joined, apart, masterClock }) => [
      name,
      offBy,
      joined,
      nsIn(apart, guestKhz),
      masterClock,
    ]),
  };
}

export function youngTable(outcomes: readonly YoungOutcome[]): Table {
  return {
    title: "the first IA32_TSC written, by how much it exceeds the time since the vCPU was created",
    columns: [
      { name: "off", unit: "cycles", title: "exceeds by", signed: true },
      { name: "honoured", unit: "flag", title: "honoured" },
      { name: "tscAhead", unit: "cycles", title: "TSC ahead of it", signed: true },
    ],
    rows: outcomes.map(({ off, tscAhead }) => [off, tscAhead === 0n, tscAhead]),
  };
}
