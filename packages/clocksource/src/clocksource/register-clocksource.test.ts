import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { calcMaxNsecs, DivideError, maxAdjustment, registerClocksource } from "../index.js";

const MASK_64 = 2n ** 64n - 1n;
const MASK_32 = 2n ** 32n - 1n;
const MASK_24 = 2n ** 24n - 1n;
const watchdogMaxSkewNs = 125_000;

describe("registerClocksource", () => {
  // docs/model/clocksource-tsc §2.3.
  it.each([
    ["TSC 1 000 000 kHz", 1000, 1_000_000, MASK_64, 8388608, 23, 922746, 1981102219259n, 881590591483n],
    ["TSC 2 000 000 kHz", 1000, 2_000_000, MASK_64, 4194304, 23, 461373, 3962204438518n, 881590591483n],
    ["TSC 2 400 000 kHz", 1000, 2_400_000, MASK_64, 6990507, 24, 768955, 2377322560985n, 440795300422n],
    ["TSC 2 499 994 kHz", 1000, 2_499_994, MASK_64, 6710903, 24, 738199, 2476371524206n, 440795246008n],
    ["TSC 2 500 000 kHz", 1000, 2_500_000, MASK_64, 6710886, 24, 738197, 2476377840562n, 440795263295n],
    ["TSC 2 600 000 kHz", 1000, 2_600_000, MASK_64, 6452775, 24, 709805, 2575432885037n, 440795236700n],
    ["TSC 2 900 000 kHz", 1000, 2_900_000, MASK_64, 5785247, 24, 636377, 2872597971122n, 440795228349n],
    ["TSC 3 000 000 kHz", 1000, 3_000_000, MASK_64, 5592405, 24, 615164, 2971653488460n, 440795289890n],
    ["TSC 3 200 000 kHz", 1000, 3_200_000, MASK_64, 5242880, 24, 576716, 3169763686982n, 440795338293n],
    ["TSC 4 000 000 kHz", 1000, 4_000_000, MASK_64, 2097152, 23, 230686, 7924410579133n, 881591017007n],
    ["kvm-clock", 1, 1_000_000_000, MASK_64, 8388608, 23, 922746, 1981102219259n, 881590591483n],
    ["HPET 14 318 180 Hz", 1, 14_318_180, MASK_32, 2343484437, 25, 257783288, 4294967295n, 133484873504n],
    ["ACPI PM 3 579 545 Hz", 1, 3_579_545, MASK_24, 2343484437, 23, 257783288, 16777215n, 2085701024n],
  ])("%s", (_title, scale, freq, mask, mult, shift, maxadj, maxCycles, maxIdleNs) => {
    const rates = registerClocksource({ scale, freq, mask, watchdogMaxSkewNs });
    expect(rates).toMatchObject({ mult, shift, maxadj, maxCycles, maxIdleNs, warned: false });
  });

  it("allows a fast counter twice the watchdog's skew, and a slow one its own resolution", () => {
    const fast = { scale: 1000, freq: 2_500_000, mask: MASK_64, watchdogMaxSkewNs };
    expect(registerClocksource(fast).uncertaintyMarginNs).toBe(250_000);
    const slow = { scale: 1, freq: 1000, mask: MASK_64, watchdogMaxSkewNs };
    expect(registerClocksource(slow).uncertaintyMarginNs).toBe(1_000_000);
  });

  it("keeps a caller's margin even below twice the skew, and warns", () => {
    const rates = registerClocksource({
      scale: 1000,
      freq: 2_500_000,
      mask: MASK_64,
      uncertaintyMarginNs: 1,
      watchdogMaxSkewNs,
    });
    expect(rates).toMatchObject({ uncertaintyMarginNs: 1, warned: true });
  });

  it("keeps a self-defined pair and gives it 31.25 ms", () => {
    const rates = registerClocksource({
      scale: 0,
      freq: 0,
      mask: MASK_64,
      mult: 1 << 20,
      shift: 20,
      watchdogMaxSkewNs,
    });
    expect(rates).toMatchObject({ mult: 1 << 20, shift: 20, uncertaintyMarginNs: 31_250_000, warned: false });
  });

  it("only warns when a self-defined multiplier cannot be steered up, where a computed one is halved", () => {
    const self = { scale: 0, freq: 0, mask: MASK_64, mult: 4_026_531_840, shift: 0, watchdogMaxSkewNs };
    expect(registerClocksource(self)).toMatchObject({ mult: 4_026_531_840, warned: true });
    const computed = { scale: 1, freq: 1, mask: 255n, watchdogMaxSkewNs };
    expect(registerClocksource(computed)).toMatchObject({ mult: 2_000_000_000, shift: 1, warned: false });
  });

  it("bounds the difference so that even the steered multiplier stays inside 64 bits", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5_000_000 }), (khz) => {
        const { mult, maxadj, maxCycles } = registerClocksource({
          scale: 1000,
          freq: khz,
          mask: MASK_64,
          watchdogMaxSkewNs,
        });
        const steered = BigInt(mult + maxadj);
        expect(steered * maxCycles < 2n ** 64n && steered * (maxCycles + 1n) >= 2n ** 64n).toBe(true);
      }),
    );
  });

  it.each([
    ["scale", { scale: 0 }],
    ["freq", { freq: -1 }],
    ["mask", { mask: 2n ** 64n }],
    ["mult", { mult: 0.5 }],
    ["shift", { shift: 64 }],
    ["uncertaintyMarginNs", { uncertaintyMarginNs: -1 }],
    ["watchdogMaxSkewNs", { watchdogMaxSkewNs: 2 ** 31 }],
  ])("refuses a bad %s", (name, wrong) => {
    const valid = { scale: 1, freq: 1000, mask: MASK_64, watchdogMaxSkewNs };
    expect(() => registerClocksource({ ...valid, ...wrong })).toThrow(
      `registerClocksource: expected ${name}`,
    );
  });

  it("traps where the 32-bit product of scale and frequency is 0", () => {
    const wraps = { scale: 2 ** 16, freq: 2 ** 16, mask: MASK_64, watchdogMaxSkewNs };
    expect(() => registerClocksource(wraps)).toThrow(DivideError);
  });
});

describe("calcMaxNsecs", () => {
  it("traps when multiplier plus adjustment wraps to 0", () => {
    expect(() => calcMaxNsecs(1, 0, 2 ** 32 - 1, MASK_64)).toThrow(DivideError);
  });

  it("never goes past the mask", () => {
    expect(calcMaxNsecs(1, 0, 0, 255n)).toEqual({ maxCycles: 255n, maxNs: 127n });
  });
});

describe("maxAdjustment", () => {
  it.each([
    [0, 0],
    [9, 0],
    [10, 1],
    [2 ** 32 - 1, 472446402],
  ])("of %i is 11 %% floored: %i", (mult, expected) => {
    expect(maxAdjustment(mult)).toBe(expected);
  });
});
