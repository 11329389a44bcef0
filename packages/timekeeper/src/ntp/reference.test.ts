import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NtpState } from "./ntp-state.js";
import type { NtpStateData } from "./ntp-state-data.js";
import type { Timex } from "./timex.js";

/**
 * The same clock written as arithmetic on numbers without a width: divisions that round toward zero where the kernel
 * shifts, one formula for each next state, the day counted in days. It is only asked where no product wraps.
 */
interface Reference {
  readonly hz: bigint;
  tick: bigint;
  freq: bigint;
  offset: bigint;
  adjust: bigint;
  constant: bigint;
  maxerror: bigint;
  esterror: bigint;
  reftime: bigint;
  flags: Set<string>;
  state: "ok" | "ins" | "del" | "oop" | "wait";
  leapAt: bigint | null;
  base: bigint;
  slew: bigint;
}

const FLAG_BITS: readonly (readonly [string, number])[] = [
  ["pll", 0x0001],
  ["ppsfreq", 0x0002],
  ["ppstime", 0x0004],
  ["fll", 0x0008],
  ["ins", 0x0010],
  ["del", 0x0020],
  ["unsync", 0x0040],
  ["freqhold", 0x0080],
  ["nano", 0x2000],
  ["mode", 0x4000],
];
const SET_BY_CALLER = FLAG_BITS.slice(0, 8);
const STATES = ["ok", "ins", "del", "oop", "wait"] as const;
const LIMIT = 16_000_000n;
const ONE = 2n ** 32n;
const DAY = 86_400n;

const within = (value: bigint, low: bigint, high: bigint): bigint => {
  const sorted = [low, value, high].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[1] ?? value;
};

function rebase(ntp: Reference): void {
  ntp.base = (ntp.tick * 100_000n * ONE + ntp.freq) / ntp.hz;
}

function nextSecond(ntp: Reference, secs: bigint): number {
  const has = (flag: string): boolean => ntp.flags.has(flag);
  const became = (state: Reference["state"], leapAt: bigint | null): void => {
    ntp.state = state;
    ntp.leapAt = leapAt;
  };
  let leap = 0;
  const announced = { ins: "ins", del: "del", ok: null, oop: null, wait: null }[ntp.state];
  if (ntp.state === "ok" && has("ins")) became("ins", (secs / DAY + 1n) * DAY);
  else if (ntp.state === "ok" && has("del")) became("del", ((secs + 1n) / DAY + 1n) * DAY - 1n);
  else if (announced !== null && !has(announced)) became("ok", null);
  else if (announced === "ins" && secs === ntp.leapAt) {
    leap = -1;
    became("oop", ntp.leapAt);
  } else if (announced === "del" && secs === ntp.leapAt) {
    leap = 1;
    became("wait", null);
  } else if (ntp.state === "oop") became("wait", null);
  else if (ntp.state === "wait" && !has("ins") && !has("del")) ntp.state = "ok";

  if (ntp.maxerror + 500n > LIMIT) ntp.flags.add("unsync");
  ntp.maxerror = within(ntp.maxerror + 500n, 0n, LIMIT);

  const share = ntp.offset / 2n ** (2n + ntp.constant);
  ntp.offset -= share;
  const full = (500_000n * ONE) / ntp.hz;
  const step = within(ntp.adjust, -500n, 500n);
  const isWhole = step === ntp.adjust;
  ntp.adjust -= step;
  ntp.slew = share + (isWhole ? ((step * 1_000n) / ntp.hz) * ONE : step > 0n ? full : -full);
  return leap;
}

function takeOffset(ntp: Reference, offset: bigint, now: bigint): void {
  if (!ntp.flags.has("pll")) return;
  const ns = within(
    ntp.flags.has("nano") ? offset : within(offset, -(10n ** 6n), 10n ** 6n) * 1_000n,
    -5n * 10n ** 8n,
    5n * 10n ** 8n,
  );
  const interval = ntp.flags.has("freqhold") ? 0n : now - ntp.reftime;
  ntp.reftime = now;
  const usesFll = interval > 2_048n || (interval >= 256n && ntp.flags.has("fll"));
  if (usesFll) ntp.flags.add("mode");
  else ntp.flags.delete("mode");
  const fll = usesFll ? (ns * ONE) / 4n / interval : 0n;
  const capped = within(interval, interval < 0n ? interval : 0n, 8n * 2n ** ntp.constant);
  const pll = (ns * capped * ONE) / 4n ** (4n + ntp.constant);
  ntp.freq = within(ntp.freq + fll + pll, -500_000n * ONE, 500_000n * ONE);
  ntp.offset = (ns * ONE) / ntp.hz;
}

const CHANGES = [
  "status",
  "nano",
  "micro",
  "freq",
  "maxerror",
  "esterror",
  "constant",
  "offset",
  "tick",
] as const;
type Change = (typeof CHANGES)[number];
const CHANGE_BITS: Readonly<Record<Change, number>> = {
  offset: 0x0001,
  freq: 0x0002,
  maxerror: 0x0004,
  esterror: 0x0008,
  status: 0x0010,
  constant: 0x0020,
  micro: 0x1000,
  nano: 0x2000,
  tick: 0x4000,
};

function change(ntp: Reference, changes: readonly Change[], timex: Timex, now: bigint): void {
  const does = (name: Change): boolean => changes.includes(name);
  if (does("status")) {
    const wanted = new Set(
      SET_BY_CALLER.filter(([, bit]) => (timex.status ?? 0) & bit).map(([name]) => name),
    );
    const readOnly = [...ntp.flags].filter((flag) => flag === "nano" || flag === "mode");
    const [was, is] = [ntp.flags.has("pll"), wanted.has("pll")];
    ntp.flags = new Set(was && !is ? wanted : [...wanted, ...readOnly]);
    if (was && !is) [ntp.state, ntp.leapAt] = ["ok", null];
    if (!was && is) ntp.reftime = now;
  }
  if (does("nano")) ntp.flags.add("nano");
  if (does("micro")) ntp.flags.delete("nano");
  if (does("freq")) ntp.freq = within(timex.freq ?? 0n, -500n * 65_536n, 500n * 65_536n) * 65_536_000n;
  if (does("maxerror")) ntp.maxerror = within(timex.maxerror ?? 0n, 0n, LIMIT);
  if (does("esterror")) ntp.esterror = within(timex.esterror ?? 0n, 0n, LIMIT);
  if (does("constant")) {
    const added = ntp.flags.has("nano") ? 0n : 4n;
    ntp.constant = within(within(timex.constant ?? 0n, 0n, 10n) + added, 0n, 10n);
  }
  if (does("offset")) takeOffset(ntp, timex.offset ?? 0n, now);
  if (does("tick")) ntp.tick = timex.tick ?? 0n;
  rebase(ntp);
}

function cleared(ntp: Reference): void {
  Object.assign(ntp, { adjust: 0n, offset: 0n, slew: 0n, maxerror: LIMIT, esterror: LIMIT, leapAt: null });
  ntp.flags.add("unsync");
}

function asData(hz: number, ntp: Reference): NtpStateData {
  return {
    hz,
    tickUsec: Number(ntp.tick),
    tickLength: String(ntp.base + ntp.slew),
    tickLengthBase: String(ntp.base),
    timeState: [0, 1, 2, 3, 4][STATES.indexOf(ntp.state)] as NtpStateData["timeState"],
    timeStatus: FLAG_BITS.reduce((bits, [name, bit]) => (ntp.flags.has(name) ? bits | bit : bits), 0),
    timeOffset: String(ntp.offset),
    timeConstant: Number(ntp.constant),
    timeMaxerror: Number(ntp.maxerror),
    timeEsterror: Number(ntp.esterror),
    timeFreq: String(ntp.freq),
    timeReftime: String(ntp.reftime),
    timeAdjust: String(ntp.adjust),
    nextLeapSec: ntp.leapAt === null ? null : String(ntp.leapAt),
  };
}

function booted(hz: number): Reference {
  const ntp: Reference = {
    hz: BigInt(hz),
    tick: 10_000n,
    freq: 0n,
    offset: 0n,
    adjust: 0n,
    constant: 2n,
    maxerror: LIMIT,
    esterror: LIMIT,
    reftime: 0n,
    flags: new Set(["unsync"]),
    state: "ok",
    leapAt: null,
    base: 0n,
    slew: 0n,
  };
  rebase(ntp);
  return ntp;
}

const near = (edges: readonly bigint[]): fc.Arbitrary<bigint> =>
  fc.tuple(fc.constantFrom(...edges), fc.bigInt({ min: -2n, max: 2n })).map(([edge, by]) => edge + by);
const offsets = fc.oneof(
  fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
  fc.bigInt({ min: -2_000n, max: 2_000n }),
  near([
    0n,
    500n,
    -500n,
    10n ** 6n,
    -(10n ** 6n),
    5n * 10n ** 8n,
    -5n * 10n ** 8n,
    2n ** 63n - 3n,
    2n - 2n ** 63n,
  ]),
);
const errors = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  near([0n, LIMIT]),
  fc.constantFrom(LIMIT - 500n, LIMIT - 2_000n),
);

type Step =
  | { readonly does: "seconds"; readonly count: number }
  | { readonly does: "sleep"; readonly secs: bigint }
  | { readonly does: "clear" }
  | { readonly does: "adjtime"; readonly offset: bigint }
  | { readonly does: "set"; readonly changes: readonly Change[]; readonly fields: Omit<Timex, "modes"> };

// Mostly with the loop on: without it little happens.
const statuses = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(0x01, 0x09, 0x11, 0x21, 0x31, 0x81) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
);

const fields = fc.record({
  offset: offsets,
  freq: fc.oneof(
    fc.bigInt({ min: -140_737_488_355n, max: 140_737_488_355n }),
    near([0n, 32_768_000n, -32_768_000n]),
  ),
  maxerror: errors,
  esterror: errors,
  status: statuses,
  constant: fc.bigInt({ min: -3n, max: 13n }),
  tick: fc.bigInt({ min: 9_000n, max: 11_000n }),
});

const set = (changes: fc.Arbitrary<Change[]>): fc.Arbitrary<Step> =>
  fc.record({ does: fc.constant("set" as const), changes, fields });

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant("seconds" as const), count: fc.integer({ min: 1, max: 12 }) }),
  },
  {
    weight: 3,
    // To the loop's interval limits, to around midnight, or a little back: 25 times 30 s is short of where products wrap.
    arbitrary: fc.record({
      does: fc.constant("sleep" as const),
      secs: fc.oneof(
        fc.constantFrom(256n, 2_048n),
        near([256n, 2_048n, DAY]),
        fc.bigInt({ min: -30n, max: 40_000n }),
      ),
    }),
  },
  { weight: 4, arbitrary: set(fc.constant(["offset"])) },
  { weight: 2, arbitrary: set(fc.constant(["status", "maxerror"])) },
  { weight: 2, arbitrary: set(fc.subarray([...CHANGES])) },
  {
    weight: 2,
    arbitrary: fc.record({ does: fc.constant("adjtime" as const), offset: offsets }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant("clear" as const) }) },
);

describe("any history of seconds, steps and calls", () => {
  it("leaves what arithmetic without a width makes of it, and passes through JSON", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 12, max: 3_000 }),
        fc.oneof(near([DAY * 19_000n - 2n, DAY * 19_000n - 8n]), fc.bigInt({ min: 0n, max: 2n ** 33n })),
        fc.tuple(
          set(fc.constant(["status", "nano", "maxerror", "constant"])),
          fc.array(steps, { maxLength: 24 }),
        ),
        (hz, start, [first, rest]) => {
          let ntp = new NtpState({ hz });
          const reference = booted(hz);
          let now = start;
          for (const step of [first, ...rest]) {
            const clock = { xtimeSec: now, realtime: { sec: now, nsec: 0n }, taiOffsetSec: 0 };
            switch (step.does) {
              case "seconds":
                for (let i = 0; i < step.count; i++) {
                  now += 1n;
                  const leap = ntp.secondOverflow(now);
                  expect(leap).toBe(nextSecond(reference, now));
                  now += BigInt(leap);
                }
                break;
              case "sleep":
                now += now + step.secs < 0n ? 0n : step.secs;
                break;
              case "clear":
                ntp.clear();
                cleared(reference);
                break;
              case "adjtime": {
                const { offset } = step;
                const { answer } = ntp.adjtimex({ modes: 0x8001, offset }, clock);
                expect(answer.offset).toBe(reference.adjust);
                reference.adjust = offset;
                break;
              }
              case "set": {
                const modes = step.changes.reduce((bits, name) => bits | CHANGE_BITS[name], 0);
                const timex = { modes, ...step.fields };
                expect(ntp.adjtimex(timex, clock).answer.result).not.toBe(-22);
                change(reference, step.changes, timex, now);
                break;
              }
            }
            expect(ntp.state()).toEqual(asData(hz, reference));
            ntp = NtpState.fromState(JSON.parse(JSON.stringify(ntp.state())));
          }
        },
      ),
    );
  });
});
