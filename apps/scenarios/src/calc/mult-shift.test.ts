import { calcMultShift } from "@chronovisor/clocksource";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rateOf, termValues } from "./fixtures/term-values.js";
import { toDecimal } from "./fraction.js";
import { multShiftWorksheet } from "./mult-shift.js";

const GHZ = 1_000_000_000;

/** docs/model/clocksource-tsc §2.3; the last column is rounded to four decimals there. */
describe("the golden table", () => {
  it.each([
    [1_000_000_000, 64, 8388608n, 23n, 922746n, 1981102219259n, 881590591483n, "0.0000"],
    [2_000_000_000, 64, 4194304n, 23n, 461373n, 3962204438518n, 881590591483n, "0.0000"],
    [2_400_000_000, 64, 6990507n, 24n, 768955n, 2377322560985n, 440795300422n, "47.6837"],
    [2_499_994_000, 64, 6710903n, 24n, 738199n, 2476371524206n, 440795246008n, "73.5868"],
    [2_500_000_000, 64, 6710886n, 24n, 738197n, 2476377840562n, 440795263295n, "-59.6046"],
    [2_600_000_000, 64, 6452775n, 24n, 709805n, 2575432885037n, 440795236700n, "-59.6046"],
    [2_900_000_000, 64, 5785247n, 24n, 636377n, 2872597971122n, 440795228349n, "17.8814"],
    [3_000_000_000, 64, 5592405n, 24n, 615164n, 2971653488460n, 440795289890n, "-59.6046"],
    [3_200_000_000, 64, 5242880n, 24n, 576716n, 3169763686982n, 440795338293n, "0.0000"],
    [4_000_000_000, 64, 2097152n, 23n, 230686n, 7924410579133n, 881591017007n, "0.0000"],
    [14_318_180, 32, 2343484437n, 25n, 257783288n, 4294967295n, 133484873504n, undefined],
    [3_579_545, 24, 2343484437n, 23n, 257783288n, 16777215n, 2085701024n, undefined],
  ])("%i Hz of %i bits", (fromHz, bits, mult, shift, maxadj, maxCycles, maxIdle, ppb) => {
    const worksheet = multShiftWorksheet({ fromHz, toHz: GHZ, bits });
    expect(termValues(worksheet)).toMatchObject({ mult, shift, maxadj, maxCycles, maxIdle });
    if (ppb !== undefined) expect(toDecimal(rateOf(worksheet, "rateError"), 4)).toBe(ppb);
  });
});

it("shows the multiplier of the next larger shift, which does not fit", () => {
  const values = termValues(multShiftWorksheet({ fromHz: 2_500_000_000, toHz: GHZ, bits: 64 }));
  expect(values).toMatchObject({ excess: 349n, room: 23n, rejectedMult: 13_421_773n });
});

it("halves a multiplier that leaves no room to steer", () => {
  const values = termValues(multShiftWorksheet({ fromHz: 1_000, toHz: 999_999, bits: 16 }));
  expect(values).toMatchObject({ mult: 4_194_299_806n, registeredMult: 2_097_149_903n });
});

it("takes the same pair as the kernel for any counter", () => {
  const hz = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(hz, hz, fc.integer({ min: 0, max: 600 }), (fromHz, toHz, maxSec) => {
      const { mult, shift } = calcMultShift(fromHz, toHz, maxSec);
      if (shift === 0 || mult === 0) return;
      const values = termValues(multShiftWorksheet({ fromHz, toHz, maxSec, bits: 64 }));
      expect(values).toMatchObject({ mult: BigInt(mult), shift: BigInt(shift) });
      expect((values.mult as bigint) < 2n ** (values.room as bigint)).toBe(true);
    }),
  );
});

it.each([
  ["no shift fits", 4_000_000_000, GHZ],
  ["only a multiplier of 0 fits", 2 ** 32 - 1, 2],
])("refuses seconds beside which %s", (_title, fromHz, toHz) => {
  const input = { fromHz, toHz, maxSec: 2 ** 32 - 1, bits: 64 };
  expect(() => multShiftWorksheet(input)).toThrow(/^--max-sec: expected .*, got "4294967295"$/);
});
