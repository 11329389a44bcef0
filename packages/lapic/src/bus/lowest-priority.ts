import { checkInteger, checkVector } from "../arguments.js";
import { type ApicMessage, DELIVERY_MODE_LOWEST_PRIORITY } from "./apic-message.js";

/*
 * How KVM picks one of several candidates for an interrupt (docs/model/lapic §6.2). No priority is compared: by default the
 * vector picks, which keeps a vector on one processor and spreads several; without vector hashing the candidate that was
 * picked least often.
 */

/** Whether the vector picks (`vector_hashing`, on by default), or the arbitration counters do. */
export type VectorHashing = "on" | "off";

/** Whether a message selects one target: delivery mode lowest priority, or an MSI with the redirection hint. */
export function selectsOne(message: ApicMessage): boolean {
  return (
    message.deliveryMode === DELIVERY_MODE_LOWEST_PRIORITY || message.redirectionHint === "lowest-priority"
  );
}

/**
 * Which of `candidates` targets, counted from 0 in the order of the vCPUs, a vector picks: the remainder.
 *
 * @param vector - 0 … 255.
 * @param candidates - 1 … 2^31 − 1.
 * @throws RangeError or TypeError outside these.
 * Source: `kvm_vector_to_index`.
 *
 * @example
 * [0x41, 0x42, 0x43].map((vector) => vectorHashIndex(vector, 2)) // => [ 1, 0, 1 ]
 */
export function vectorHashIndex(vector: number, candidates: number): number {
  checkVector("vectorHashIndex", vector);
  checkInteger("vectorHashIndex", "candidates", candidates, 1, 2 ** 31 - 1);
  return vector % candidates;
}

/**
 * Which of the candidates has been picked least often, counted from 0; the first of equals.
 *
 * @param priorities - one counter per candidate, s32; they are compared by their wrapped difference.
 * @throws RangeError without a candidate, RangeError or TypeError for anything but s32.
 * Source: `kvm_apic_compare_prio`.
 *
 * @example
 * leastPickedIndex([3, 1, 1]) // => 1
 */
export function leastPickedIndex(priorities: readonly number[]): number {
  if (priorities.length === 0)
    throw new RangeError("leastPickedIndex: expected at least one candidate, got 0");
  let best = 0;
  priorities.forEach((priority, index) => {
    checkInteger("leastPickedIndex", "priority", priority, -(2 ** 31), 2 ** 31 - 1);
    // The kernel subtracts in 32 bits: a counter that has wrapped is behind, not ahead.
    if (((priority - (priorities[best] ?? 0)) | 0) < 0) best = index;
  });
  return best;
}
