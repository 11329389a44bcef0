import type { PvclockReference } from "../abi/vcpu-time-info.js";
import { checkInteger, checkObject, checkU32, checkU64 } from "../argument-checks.js";

/** Throws unless the pvclock formula is defined for `reference`. */
export function checkReference(fn: string, reference: PvclockReference): void {
  checkObject(fn, "reference", reference);
  checkU64(fn, "tscTimestamp", reference.tscTimestamp);
  checkU64(fn, "systemTime", reference.systemTime);
  checkRate(fn, reference.tscToSystemMul, reference.tscShift);
}

/** Throws unless `mul` is a u32 and `shift` one that C defines. */
export function checkRate(fn: string, mul: number, shift: number): void {
  checkU32(fn, "tscToSystemMul", mul);
  checkInteger(fn, "tscShift", shift, -63, 63);
}
