import type { RunHooks, Table } from "../../scenario/types.js";
import { type Outcome, outcomeOf } from "./outcome.js";
import type { TscWatchdogParams } from "./params.js";
import { watch } from "./watch.js";

/** Long enough for a baseline and some checks. */
const LENGTH_NS = 3_000_000_000n;
const GUEST_KHZ = 2_500_000n;
const BILLION = 1_000_000_000n;
/** The least that can be configured. */
const LEAST_SKEW_NS = 50_000n;

/** What all rows start from: a guest that kept its 2.5 GHz on a host without scaling. */
export const ROW: TscWatchdogParams = {
  hostKhz: GUEST_KHZ,
  guestKhz: GUEST_KHZ,
  scaling: "absent",
  calibration: "kept",
  maxSkew: 0n,
  readDelay: 0n,
  backDelay: 0n,
  delayed: "every-try",
  cpus: 4n,
  length: LENGTH_NS,
};

/** Hosts whose TSC the guest reads for its own: 200, 400, 404, 900, 1000, 1004 and 1200 ppm fast. */
export const HOSTS_KHZ = [2_500_500n, 2_501_000n, 2_501_010n, 2_502_250n, 2_502_500n, 2_502_510n, 2_503_000n];

/** Delays of a try: around the read of the TSC, and between two reads of kvm-clock. */
export const DELAYS: ReadonlyArray<Pick<TscWatchdogParams, "readDelay" | "backDelay" | "delayed">> = [
  { readDelay: 90_000n, backDelay: 0n, delayed: "every-try" },
  { readDelay: 400_000n, backDelay: 0n, delayed: "every-try" },
  { readDelay: 600_000n, backDelay: 0n, delayed: "every-try" },
  { readDelay: 600_000n, backDelay: 250_000n, delayed: "every-try" },
  { readDelay: 600_000n, backDelay: 251_000n, delayed: "every-try" },
  { readDelay: 600_000n, backDelay: 0n, delayed: "first-try" },
];

/** Host and guest of hardware that scales. */
export const SCALED_KHZ = [
  [3_000_000n, 2_500_000n],
  [2_400_000n, 2_500_000n],
  [2_900_000n, 2_500_000n],
  [2_600_000n, 1_950_000n],
  [2_500_000n, 2_500_000n],
] as const;

export const rateRow = (hostKhz: bigint): TscWatchdogParams => ({ ...ROW, hostKhz });
export const leastSkew = (params: TscWatchdogParams): TscWatchdogParams => ({
  ...params,
  maxSkew: LEAST_SKEW_NS,
});
export const scaledRow = (hostKhz: bigint, guestKhz: bigint): TscWatchdogParams => ({
  ...ROW,
  hostKhz,
  guestKhz,
  scaling: "present",
  calibration: "kvm-clock",
});

const NAMES: Readonly<Record<Outcome, string>> = {
  skew: "given up",
  "read-back": "given up: slow reads",
  skipped: "not compared for 300 s",
  kept: "kept",
};
export const nameOf = (outcome: Outcome): string => NAMES[outcome];

/** The page's cases, each on a machine of its own. */
export function caseTables(
  axes: Readonly<Record<string, string>>,
  { signal }: RunHooks,
): Readonly<Record<"rates" | "reads" | "scaled", Table>> {
  const run = (params: TscWatchdogParams): ReturnType<typeof watch> => {
    signal?.throwIfAborted();
    return watch(params, axes);
  };
  const judged = (params: TscWatchdogParams): string => nameOf(outcomeOf(run(params)));
  return {
    rates: {
      title: "a guest that takes a TSC for 2.5 GHz",
      columns: [
        { name: "faster", unit: "kHz", title: "host's faster by" },
        { name: "fast", unit: "ppb", title: "rate", signed: true },
        { name: "perCheck", unit: "ns", title: "per check", signed: true },
        { name: "outcome", unit: "name", title: "TSC" },
        { name: "strict", unit: "name", title: "MAX_SKEW_US=50" },
      ],
      rows: HOSTS_KHZ.map((hostKhz) => {
        const seen = run(rateRow(hostKhz));
        const fasterKhz = hostKhz - GUEST_KHZ;
        const ppb = (fasterKhz * BILLION) / GUEST_KHZ;
        const strict = judged(leastSkew(rateRow(hostKhz)));
        return [fasterKhz, ppb, seen.perCheckNs ?? 0n, nameOf(outcomeOf(seen)), strict];
      }),
    },
    reads: {
      title: "reads that are interrupted, at the same rate",
      columns: [
        { name: "readDelay", unit: "ns", title: "around the TSC's" },
        { name: "backDelay", unit: "ns", title: "between kvm-clock's" },
        { name: "delayed", unit: "name", title: "tries" },
        { name: "outcome", unit: "name", title: "TSC" },
      ],
      rows: DELAYS.map((delays) => [
        delays.readDelay,
        delays.backDelay,
        delays.delayed === "every-try" ? "all" : "first",
        judged({ ...ROW, ...delays }),
      ]),
    },
    scaled: {
      title: "a scaled TSC that the guest calibrates by kvm-clock",
      columns: [
        { name: "host", unit: "kHz", title: "host TSC" },
        { name: "guest", unit: "kHz", title: "guest TSC" },
        { name: "short", unit: "kHz", title: "taken for less by" },
        { name: "perCheck", unit: "ns", title: "per check", signed: true },
        { name: "outcome", unit: "name", title: "TSC" },
      ],
      rows: SCALED_KHZ.map(([hostKhz, guestKhz]) => {
        const seen = run(scaledRow(hostKhz, guestKhz));
        const shortKhz = guestKhz - BigInt(seen.tscKhz);
        return [hostKhz, guestKhz, shortKhz, seen.perCheckNs ?? 0n, nameOf(outcomeOf(seen))];
      }),
    },
  };
}
