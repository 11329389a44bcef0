import { clocksourceMask, registerClocksource } from "@chronovisor/clocksource";
import { ADJ_FREQUENCY, Timekeeper } from "@chronovisor/timekeeper";
import { expect, it } from "vitest";
import { fraction, minus, times } from "./fraction.js";
import { steeredRate } from "./ntp-rate.js";

const TICKS = 5_000;

/** MONOTONIC of a kernel's timekeeper after so many ticks, and the cycles they took. */
function steeredHost(khz: number, tickHz: number, freq: bigint): { ns: bigint; cycles: bigint } {
  const mask = clocksourceMask(64);
  const rates = registerClocksource({ scale: 1000, freq: khz, mask, watchdogMaxSkewNs: 125_000 });
  let tsc = 0n;
  const host = new Timekeeper({ clocksource: { ...rates, mask }, hz: tickHz, read: () => tsc });
  const step = (BigInt(khz) * 1000n) / BigInt(tickHz) + 2n;
  const tick = (): void => {
    tsc += step;
    host.tick();
  };
  host.adjtimex({ modes: ADJ_FREQUENCY, freq });
  // The first second ends the adjustment that setting the frequency began.
  for (let i = 0; i < tickHz; i++) tick();
  const [from, start] = [host.monotonicNs(), tsc];
  for (let i = 0; i < TICKS; i++) tick();
  return { ns: host.monotonicNs() - from, cycles: tsc - start };
}

it.each([
  [2_500_000, 250, 0n],
  [2_500_000, 250, 500n],
  [2_500_000, 1000, -500n],
  [3_000_000, 250, -12n],
  [2_400_000, 100, 77n],
  [2_900_001, 250, 333n],
])("a timekeeper of %i kHz with %i ticks a second keeps the rate of %i ppm", (khz, tickHz, ppm) => {
  const { mult, shift } = registerClocksource({
    scale: 1000,
    freq: khz,
    mask: clocksourceMask(64),
    watchdogMaxSkewNs: 125_000,
  });
  const rate = steeredRate({ mult, shift, ntpPpm: fraction(ppm), tickHz });
  const { ns, cycles } = steeredHost(khz, tickHz, ppm << 16n);
  const { numerator, denominator } = minus(times(rate, fraction(cycles * 1_000_000_000n)), fraction(ns));
  // The multiplier is dithered: an interval's cycles times one unit of it, and the floor of a reading at each end.
  const magnitude = numerator < 0n ? -numerator : numerator;
  expect(magnitude < 3n * denominator).toBe(true);
});

it("takes ppm to the nearest 2^-16", () => {
  const at = (ntpPpm: ReturnType<typeof fraction>) =>
    steeredRate({ mult: 6_710_886, shift: 24, ntpPpm, tickHz: 250 });
  expect(at(fraction(1n, 200_000n))).toEqual(at(fraction(0n)));
  expect(at(fraction(1n, 100_000n))).toEqual(at(fraction(1n, 65_536n)));
});
