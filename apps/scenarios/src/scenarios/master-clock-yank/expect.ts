import { all, equals, is, number, within } from "../../scenario/judge.js";
import type { ExpectationSpec, JudgedRun } from "../../scenario/types.js";
import { magnitude } from "../../units/magnitude.js";
import { PAIR_AGE_NS, PAIRS, watchdogLimitNs } from "./pairs.js";
import type { MasterClockYankParams } from "./params.js";
import { predictJumpNs, predictReferences } from "./predict.js";
import { READ_NS } from "./yank.js";

type Run = JudgedRun<MasterClockYankParams>;

/** Each clock's own floor. */
const FLOORS_NS = 2n;
const DAY_NS = 86_400_000_000_000n;
const NS_PER_MS = 1_000_000n;
/** The page's jump after a day at 2.5 GHz, unscaled. */
const PAGE_JUMP_NS = -5_129_725n;

const jump = ({ measured }: Run): bigint => number(measured, "jump");
const references = ({ measured }: Run): bigint => number(measured, "references");
const goesByRaw = ({ params, axes }: Run): boolean =>
  params.cause !== "set-clock" && predictReferences(params, axes) > 0n;

/** A cycle of the slower counter: what a read rounds down to. */
function cycleNs({ hostKhz, guestKhz }: MasterClockYankParams): bigint {
  return NS_PER_MS / (hostKhz < guestKhz ? hostKhz : guestKhz) + 1n;
}

/** What the watchdog sees beside a jump: 2 kHz that the guest's calibration may be off, in half a second. */
function rateNs({ hostKhz, guestKhz }: MasterClockYankParams): bigint {
  return 1_000_000_000n / (hostKhz < guestKhz ? hostKhz : guestKhz) + 1_000n;
}

export const masterClockYankExpectations: ReadonlyArray<ExpectationSpec<MasterClockYankParams>> = [
  {
    text: "after a day at 2.5 GHz the clock goes back by 5.129725 ms",
    reason: "CLOCK_MONOTONIC_RAW is 59.6 ppb slow by its multiplier, kvmclock 0.2 ppb by its own",
    applies: (run) => {
      const { age, hostKhz, guestKhz } = run.params;
      return goesByRaw(run) && age === DAY_NS && hostKhz === 2_500_000n && guestKhz === 2_500_000n;
    },
    judge: (run) => within(jump(run), PAGE_JUMP_NS, FLOORS_NS, "ns"),
  },
  {
    text: "a new reference moves the guest's clock to the host's, from which its own rate had taken it",
    reason: "the reference is CLOCK_MONOTONIC_RAW; from there the guest goes by its TSC and a multiplier",
    applies: goesByRaw,
    judge: (run) =>
      within(jump(run), predictJumpNs(run.params, run.axes), FLOORS_NS + cycleNs(run.params), "ns"),
  },
  {
    text: "KVM_SET_CLOCK of KVM_GET_CLOCK's answer moves it to what KVM took it for",
    reason: "KVM reckons from the host's TSC by the host's scale: where nothing is scaled, the same clock",
    applies: ({ params }) => params.cause === "set-clock",
    judge: (run) =>
      within(jump(run), predictJumpNs(run.params, run.axes), FLOORS_NS + cycleNs(run.params), "ns"),
  },
  {
    text: "without a new reference the clock goes on",
    reason: "a clock update from the same reference publishes the same line",
    applies: ({ params, axes }) => predictReferences(params, axes) === 0n,
    judge: (run) => equals(jump(run), 0n, "ns"),
  },
  {
    text: "so many new references are taken",
    reason: "each vCPU with the request takes one; the proposal withdraws the others' under the lock",
    judge: (run) => equals(references(run), predictReferences(run.params, run.axes), "count"),
  },
  {
    text: "only the first of them makes the clock jump",
    reason: "the others find it where they would put it",
    applies: (run) => references(run) > 1n,
    judge: ({ measured }) => {
      const later = (measured.tables.references?.rows ?? []).slice(1);
      return all(later.map(([, , jumpNs]) => within(BigInt(jumpNs ?? 0n), 0n, 1n, "ns")));
    },
  },
  {
    text: "two reads around it are as far apart as the time between them and the jump",
    reason: "nothing holds the clock where it was",
    judge: (run) =>
      within(
        number(run.measured, "reads"),
        2n * READ_NS + jump(run),
        FLOORS_NS + 2n * cycleNs(run.params),
        "ns",
      ),
  },
  {
    text: "TSC_STABLE stays set",
    reason: "the vCPUs still share one reference, so the guest does not clamp what it reads",
    judge: ({ measured }) => is(measured.observations.stable, true),
  },
  {
    text: "the guest's watchdog gives the TSC up for a jump beyond its limit, whichever clock jumped",
    reason: "500 µs, 400 µs up to 6.1: it compares half a second of both, and trusts kvm-clock",
    applies: (run) => magnitude(magnitude(jump(run)) - watchdogLimitNs(run.axes)) > rateNs(run.params),
    judge: (run) => is(run.measured.observations.unstable, magnitude(jump(run)) > watchdogLimitNs(run.axes)),
  },
  {
    text: "after a day each pair of frequencies jumps by its own difference",
    reason: "0 where both multipliers are exact; 459 ns a second where a scaled rate is rounded to kHz",
    judge: ({ params, axes, measured }) => {
      const rows = measured.tables.pairs?.rows ?? [];
      return all([
        equals(BigInt(rows.length), BigInt(PAIRS.length), "count"),
        ...PAIRS.map(([hostKhz, guestKhz], i) => {
          const pair = { ...params, hostKhz, guestKhz, age: PAIR_AGE_NS };
          return within(BigInt(rows[i]?.[2] ?? 0n), predictJumpNs(pair, axes), FLOORS_NS, "ns");
        }),
      ]);
    },
  },
];
