import type { XenTimerBehaviours } from "../behaviours.js";
import type { HypercallMode } from "./abi.js";
import { copyFromGuest, type XenGuestMemory } from "./guest-memory.js";

/** `vcpu_set_singleshot_timer`: u64 timeout_abs_ns, u32 flags; 64-bit code has 4 bytes of padding behind, which must be there. */
const BYTES = { "32-bit": 12, "64-bit": 16 } as const;

/** The argument of VCPUOP_set_singleshot_timer. */
export interface SingleshotArgument {
  readonly guestAbsNs: bigint;
  readonly flags: number;
}

/** Reads the argument at a guest pointer; undefined where the kernel answers −EFAULT. */
export function readSingleshot(
  memory: XenGuestMemory,
  pointer: bigint,
  mode: HypercallMode,
  rule: XenTimerBehaviours["xenArgumentCopy"],
): SingleshotArgument | undefined {
  const bytes = copyFromGuest(memory, pointer, BYTES[mode], rule);
  if (bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { guestAbsNs: view.getBigUint64(0, true), flags: view.getUint32(8, true) };
}
