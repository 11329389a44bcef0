import type { PvclockReference } from "../abi/vcpu-time-info.js";
import { checkInteger, checkObject, checkU32, checkU64 } from "../argument-checks.js";

/** Throws unless the pvclock formula is defined for `reference`. */
export function checkReference(fn: string, reference: PvclockReference): void {
  checkObject(fn, "reference", reference);
  checkU64(fn, "tscTimestamp", reference.tscTimestamp);
  checkU64(fn, "systemTime", reference.systemTime);
  checkU32(fn, "tscToSystemMul", reference.tscToSystemMul);
  checkInteger(fn, "tscShift", reference.tscShift, -63, 63);
}
