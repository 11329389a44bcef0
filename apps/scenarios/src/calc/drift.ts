import {
  clocksourceMask,
  pvScale,
  registerClocksource,
  scaleTsc,
  type TscVendor,
} from "@chronovisor/clocksource";
import { type Fraction, fraction, minus, powerOfTwo, times } from "./fraction.js";
import { type GuestScaling, guestScaling, nsScaleOfKhz } from "./guest-scaling.js";
import { steeredRate } from "./ntp-rate.js";
import { ppbOff, ppbToMsPerDay, pvclockRate, toPpb } from "./rate.js";
import { type ClockPairRow, given, type Section, type Worksheet, worked } from "./worksheet.js";

const SECONDS_PER_DAY = 86_400n;
const ONE: Fraction = fraction(1n);

/** Two frequencies, and how the host is steered. */
export interface DriftInput {
  readonly hostKhz: number;
  readonly guestKhz: number;
  readonly vendor: TscVendor;
  /** `ADJ_FREQUENCY` of the host, ppm, exact. */
  readonly ntpPpm: Fraction;
  /** Ticks of the host a second: 100, 250 or 1000. */
  readonly tickHz: number;
}

/** A clock with its rate relative to true time, and what makes it differ from 1, step by step. */
interface RatedClock {
  readonly name: string;
  readonly label: string;
  readonly rate: Fraction;
  /** Add up to `rate` − 1. */
  readonly steps: ReadonlyArray<readonly [name: string, label: string, formula: string, part: Fraction]>;
}

/** The guest's TSC, for those who take it to run at the frequency asked for. */
function guestTscClock(trueKhz: Fraction, guestKhz: number, isScaled: boolean): RatedClock {
  const rate = times(trueKhz, fraction(1n, BigInt(guestKhz)));
  const [label, formula] = isScaled
    ? ["ratio floored", "host · ratio / 2^N / guest − 1"]
    : ["not scaled", "host / guest − 1"];
  return {
    name: "guestTsc",
    label: "guest TSC",
    rate,
    steps: [["guestTscRatio", label, formula, minus(rate, ONE)]],
  };
}

/** kvmclock as the guest reads it: definition B of the model. */
function guestClock(scaling: GuestScaling, trueKhz: Fraction, targetKhz: number): RatedClock {
  const effective = fraction(1n, scaling.effectiveKhz);
  const afterKhz = times(fraction(BigInt(targetKhz)), effective);
  const afterRatio = times(trueKhz, effective);
  const rate = pvclockRate(times(trueKhz, fraction(1000n)), scaling.pvclock);
  return {
    name: "guestKvmclock",
    label: "kvmclock",
    rate,
    steps: [
      ["guestKhzFloor", "kHz floored", "guest / floor(host · ratio / 2^N) − 1", minus(afterKhz, ONE)],
      ["guestRatioFloor", "ratio floored", "what the ratio lost, in kvmclock", minus(afterRatio, afterKhz)],
      ["guestMulFloor", "guest's mul floored", "what mul lost, in kvmclock", minus(rate, afterRatio)],
    ],
  };
}

/** KVM's conversion of the host TSC, what KVM_GET_CLOCK answers with: definition C. */
function hostConversion(hostKhz: number): RatedClock {
  const rate = pvclockRate(fraction(BigInt(hostKhz) * 1000n), nsScaleOfKhz(BigInt(hostKhz)));
  return {
    name: "kvmOwn",
    label: "KVM's own",
    rate,
    steps: [["hostMulFloor", "KVM's mul floored", "host · mul · 2^(shift − 32) − 1", minus(rate, ONE)]],
  };
}

/** CLOCK_MONOTONIC_RAW, definition A, and CLOCK_MONOTONIC. */
function hostClocks({ hostKhz, ntpPpm, tickHz }: DriftInput): readonly [RatedClock, RatedClock] {
  const { mult, shift } = registerClocksource({
    scale: 1000,
    freq: hostKhz,
    mask: clocksourceMask(64),
    // The margin plays no part in a rate; a given one is not worked out from the frequency.
    uncertaintyMarginNs: 1,
    watchdogMaxSkewNs: 0,
  });
  const hz = fraction(BigInt(hostKhz) * 1000n);
  const raw = times(times(hz, fraction(BigInt(mult), 1_000_000_000n)), powerOfTwo(-shift));
  const monotonic = times(hz, steeredRate({ mult, shift, ntpPpm, tickHz }));
  const rounding = minus(raw, ONE);
  return [
    {
      name: "raw",
      label: "RAW",
      rate: raw,
      steps: [["rawRounding", "mult rounded", "host · mult / 2^shift − 1", rounding]],
    },
    {
      name: "monotonic",
      label: "MONOTONIC",
      rate: monotonic,
      steps: [
        ["monotonicRounding", "mult rounded", "as in RAW: NTP does not mend it", rounding],
        ["ntp", "NTP", "tick_length over an interval's cycles", minus(monotonic, raw)],
      ],
    },
  ];
}

function section({ name, label, rate, steps }: RatedClock, heading: string): Section {
  const parts = steps.map(([stepName, stepLabel, formula, part]) =>
    worked(stepName, stepLabel, formula, toPpb(part), "ppb"),
  );
  const sum = steps.length === 1 ? "" : "the sum";
  const total = worked(`${name}Ppb`, `${label} is off`, sum, ppbOff(rate), "ppb");
  return { heading, terms: [...parts, total] };
}

function pairsOf(clocks: readonly RatedClock[]): readonly ClockPairRow[] {
  return clocks.flatMap((clock, index) =>
    clocks.slice(index + 1).map((against) => {
      const ppb = toPpb(minus(clock.rate, against.rate));
      return { clock: clock.label, against: against.label, ppb, msPerDay: ppbToMsPerDay(ppb) };
    }),
  );
}

/** What a reference a day old shows, by the kernel's integers rather than by rates. */
function dayOld({ hostKhz }: DriftInput, { ratio, fractionBits, pvclock }: GuestScaling): Section {
  const cycles = BigInt(hostKhz) * 1000n * SECONDS_PER_DAY;
  const direct = nsScaleOfKhz(BigInt(hostKhz));
  const guestNs = pvScale(scaleTsc(cycles, ratio, fractionBits), pvclock.mul, pvclock.shift);
  const hostNs = pvScale(cycles, direct.mul, direct.shift);
  return {
    heading: "a day after a reference at TSC 0, in the kernel's integers",
    terms: [
      worked("dayGuestNs", "kvmclock", "scaled, then converted", guestNs, "ns"),
      worked("dayHostNs", "KVM's own", "converted at once", hostNs, "ns"),
      worked("dayAheadNs", "ahead", "kvmclock − KVM's own", guestNs - hostNs, "ns"),
    ],
  };
}

/** How fast the clocks of a host and a guest part, pair by pair, and which rounding makes them. */
export function driftWorksheet(input: DriftInput): Worksheet {
  const { hostKhz, guestKhz, vendor, ntpPpm, tickHz } = input;
  const scaling = guestScaling(input);
  const { ratio, fractionBits, isScaled, effectiveKhz, pvclock } = scaling;
  const trueKhz = times(fraction(BigInt(hostKhz) * ratio), powerOfTwo(-fractionBits));
  const tsc = guestTscClock(trueKhz, guestKhz, isScaled);
  const guest = guestClock(scaling, trueKhz, isScaled ? guestKhz : hostKhz);
  const own = hostConversion(hostKhz);
  const [raw, monotonic] = hostClocks(input);
  const truth: RatedClock = { name: "true", label: "true time", rate: ONE, steps: [] };
  return {
    calculator: "drift",
    title: `Drift of the clocks of a guest and its host, ${vendor.toUpperCase()}`,
    sections: [
      {
        heading: "given",
        terms: [
          given("host", "host", BigInt(hostKhz), "kHz"),
          given("guest", "guest", BigInt(guestKhz), "kHz"),
          given("ntpPpm", "NTP", ntpPpm, "ppm"),
          given("tickHz", "tick", BigInt(tickHz), "Hz"),
          worked("ratio", "ratio", `N = ${fractionBits}`, ratio),
          worked("effectiveKhz", "KVM's guest kHz", "host · ratio >> N", effectiveKhz, "kHz"),
          worked("guestMul", "guest's mul", "", BigInt(pvclock.mul)),
          worked("guestShift", "guest's shift", "", BigInt(pvclock.shift)),
        ],
      },
      section(tsc, "guest TSC, at the frequency asked for"),
      section(guest, "kvmclock as the guest reads it (B)"),
      section(own, "KVM's own conversion of the host TSC (C)"),
      section(raw, "CLOCK_MONOTONIC_RAW (A)"),
      section(monotonic, "CLOCK_MONOTONIC"),
      dayOld(input, scaling),
    ],
    pairs: pairsOf([guest, own, raw, monotonic, tsc, truth]),
    meaning: meaningOf(guest, own),
    source: "docs/model/pvclock §2 and §6, docs/model/timekeeping-ntp §2 to §4",
  };
}

function meaningOf(guest: RatedClock, own: RatedClock): string {
  const { numerator } = minus(guest.rate, own.rate);
  const head = "Rates are against true time with the host TSC exact; positive is fast.";
  if (numerator === 0n) return `${head} KVM's own reading of the guest's clock keeps up with the guest's.`;
  return numerator > 0n
    ? `${head} The guest's clock outruns KVM's reading of it: timers that KVM sets from its own come late.`
    : `${head} KVM's reading of the guest's clock outruns the guest's: timers that KVM sets from its own come early.`;
}
