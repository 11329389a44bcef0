import { PVCLOCK_DRIVERS } from "./pvclock-drivers.js";
import { SCALED_TSC_DRIVERS } from "./scaled-tsc-drivers.js";
import { TIMEKEEPER_DRIVERS } from "./timekeeper-drivers.js";
import { WIDE_DRIVERS } from "./wide-drivers.js";

/** Every hot export by name; a method by its class and name. */
export const DRIVERS: Readonly<Record<string, () => void>> = {
  ...WIDE_DRIVERS,
  ...SCALED_TSC_DRIVERS,
  ...TIMEKEEPER_DRIVERS,
  ...PVCLOCK_DRIVERS,
};
