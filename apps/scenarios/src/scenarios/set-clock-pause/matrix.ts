import type { RunHooks, Table } from "../../scenario/types.js";
import type { SetClockPauseParams } from "./params.js";
import { pauseGuest } from "./pause.js";

/** How old the clock is at the stop: too young for its rate to matter. */
const AGE_NS = 10_000_000_000n;

/** Pauses around what the watchdog notices, and around what it compares. */
export const PAUSES_NS = [
  400_000n,
  600_000n,
  10_000_000n,
  100_000_000n,
  400_000_000n,
  600_000_000n,
  1_000_000_000n,
  60_000_000_000n,
] as const;

/** One way to set the clock and to tell the guest. */
export interface Way extends Pick<SetClockPauseParams, "set" | "flag"> {
  readonly name: string;
  readonly title: string;
}

export const WAYS: readonly Way[] = [
  { name: "plain", title: "clock", set: "clock", flag: "untold" },
  { name: "told", title: "clock, told", set: "clock", flag: "told" },
  { name: "heeded", title: "clock, heeded", set: "clock", flag: "heeded" },
  { name: "realtime", title: "realtime", set: "realtime", flag: "untold" },
  { name: "guest", title: "guest", set: "guest", flag: "untold" },
];

/** The parameters of one cell. */
export function cellParams(
  { hostKhz, guestKhz, phase }: SetClockPauseParams,
  pause: bigint,
  { set, flag }: Way,
): SetClockPauseParams {
  return { hostKhz, guestKhz, phase, pause, set, flag, back: 0n, gap: 0n, kvmclock: "new", age: AGE_NS };
}

/** Pauses by ways: what the guest's watchdog makes of each. */
export function matrixTable(
  params: SetClockPauseParams,
  axes: Readonly<Record<string, string>>,
  { signal }: RunHooks,
): Table {
  return {
    title: "what the guest's watchdog makes of a pause, by how the clock is set",
    columns: [
      { name: "pause", unit: "ns", title: "pause" },
      ...WAYS.map(({ name, title }) => ({ name, unit: "name" as const, title })),
    ],
    rows: PAUSES_NS.map((pause) => {
      signal?.throwIfAborted();
      return [pause, ...WAYS.map((way) => pauseGuest(cellParams(params, pause, way), axes).log.outcome)];
    }),
  };
}
