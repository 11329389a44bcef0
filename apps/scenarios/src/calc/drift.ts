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
import { type ClockPairRow, given, type Section, type Term, type Worksheet } from "./worksheet.js";

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
  const parts = steps.map(
    ([stepName, stepLabel, formula, part]): Term => ({
      name: stepName,
      label: stepLabel,
      formula,
      value: toPpb(part),
      unit: "ppb",
    }),
  );
  const total: Term = {
    name: `${name}Ppb`,
    label: `${label} is off`,
    formula: steps.length === 1 ? "" : "the sum",
    value: ppbOff(rate),
    unit: "ppb",
  };
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
      {
        name: "dayGuestNs",
        label: "kvmclock",
        formula: "scaled, then converted",
        value: guestNs,
        unit: "ns",
      },
      { name: "dayHostNs", label: "KVM's own", formula: "converted at once", value: hostNs, unit: "ns" },
      {
        name: "dayAheadNs",
        label: "ahead",
        formula: "kvmclock − KVM's own",
        value: guestNs - hostNs,
        unit: "ns",
      },
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
          { name: "ratio", label: "ratio", formula: `N = ${fractionBits}`, value: ratio, unit: "" },
          {
            name: "effectiveKhz",
            label: "KVM's guest kHz",
            formula: "host · ratio >> N",
            value: effectiveKhz,
            unit: "kHz",
          },
          { name: "guestMul", label: "guest's mul", formula: "", value: BigInt(pvclock.mul), unit: "" },
          { name: "guestShift", label: "guest's shift", formula: "", value: BigInt(pvclock.shift), unit: "" },
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
