import { PvclockFormula } from "../../packages/pvclock/src/index.js";
import { drive, input, LENGTH, output } from "./drive.js";
import { pvScaled } from "./pv-scaled.js";

const MUL32 = 3435973836;

/** Guests' clocks: no pre-shift, both ways, and the shift that has no kernel of its own. */
const FORMULAS: readonly PvclockFormula[] = [-1, 0, 7, -32, -33].map(
  (tscShift) =>
    new PvclockFormula({
      tscTimestamp: 2n ** 40n + 1n,
      systemTime: 2n ** 64n - 12345n,
      tscToSystemMul: MUL32,
      tscShift,
    }),
);

/** What a guest's clock reads, in plain BigInt. */
function formulaReading({ reference }: PvclockFormula): (tsc: bigint) => bigint {
  const { tscTimestamp, systemTime, tscToSystemMul, tscShift } = reference;
  return (tsc) => systemTime + pvScaled(BigInt.asUintN(64, tsc - tscTimestamp), tscToSystemMul, tscShift);
}

/** A guest's clock. */
export const PVCLOCK_DRIVERS: Readonly<Record<string, () => void>> = {
  "PvclockFormula.readInto"() {
    for (const formula of FORMULAS) {
      drive(
        "PvclockFormula.readInto",
        () => {
          for (let i = 0; i < LENGTH; i++) formula.readInto(output, i, input[i] as bigint);
        },
        formulaReading(formula),
      );
    }
    // All shifts at one call site, shifted by a caller who knows nothing of the branch inside.
    for (let i = 0; i < 200_000; i++) {
      const formula = FORMULAS[i % FORMULAS.length] as PvclockFormula;
      const ns = formula.read(input[i % LENGTH] as bigint as Parameters<typeof formula.read>[0]);
      output[i % LENGTH] = BigInt.asUintN(64, ns >> 5n);
    }
  },
  "PvclockFormula.readBatch"() {
    for (const formula of FORMULAS) {
      drive("PvclockFormula.readBatch", () => formula.readBatch(output, input), formulaReading(formula));
    }
  },
};
