/**
 * The guest's read of Hyper-V's reference TSC page, one load after the other.
 *
 * Source: Hyper-V TLFS; `include/clocksource/hyperv_timer.h:hv_read_tsc_page_tsc`; docs/model/pvclock §9.
 */

import { type GuestTsc, mulU64U64Shr } from "@chronovisor/clocksource";
import { OFFSET, REFERENCE_TSC_PAGE_SIZE, SCALE, SEQUENCE } from "../abi/reference-tsc-page.js";
import { checkFunction, viewOf } from "../argument-checks.js";
import { type GuestLoad, runAttempts } from "./guest-load.js";
import type { ReadTsc } from "./read-time-info.js";

const LITTLE_ENDIAN = true;
const U = BigInt.asUintN;

/** What a guest made of a reference TSC page. */
export interface ReferenceTimeReading {
  /** Reference time, units of 100 ns, u64. */
  readonly time: bigint;
  /** The TSC it was computed for. */
  readonly tsc: GuestTsc;
  /** Attempts taken, 1 or more. */
  readonly attempts: number;
}

/**
 * Reads a reference TSC page, pausing after every load.
 *
 * @param page - guest memory, at least 24 bytes.
 * @param rdtsc - reads the guest's TSC, once per attempt.
 * @returns a generator that yields after each load and returns the reading; undefined when the sequence was 0: the guest
 * reads the MSR instead.
 * @throws TypeError or RangeError for a page too short or an `rdtsc` that is no function; while stepping, for a TSC that
 * is no u64.
 * Source: `hyperv_timer.h:hv_read_tsc_page_tsc`; docs/model/pvclock §9.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const page = encodeReferenceTscPage({ sequence: 1, scale: 2n ** 63n, offset: 5n });
 * const steps = readReferenceTscSteps(page, () => guestTsc(20n));
 * [...steps].map(({ load }) => load) // => [ 'sequence', 'scale', 'offset', 'tsc' ]
 */
export function readReferenceTscSteps(
  page: ArrayBufferView,
  rdtsc: ReadTsc,
): Generator<GuestLoad, ReferenceTimeReading | undefined, void> {
  const view = viewOf("readReferenceTscSteps", "page", page, REFERENCE_TSC_PAGE_SIZE);
  checkFunction("readReferenceTscSteps", "rdtsc", rdtsc);
  return loadByLoad(view, rdtsc);
}

/**
 * {@link readReferenceTscSteps} without a pause.
 *
 * @param page - guest memory, at least 24 bytes.
 * @param rdtsc - reads the guest's TSC.
 * @returns the reading; undefined when the guest has to read the MSR.
 * @throws TypeError or RangeError for a page too short, an `rdtsc` that is no function, or a TSC that is no u64.
 * Source: `hyperv_timer.h:hv_read_tsc_page_tsc`; docs/model/pvclock §9.
 * @example
 * import { guestTsc } from "@chronovisor/clocksource";
 * const page = encodeReferenceTscPage({ sequence: 1, scale: 2n ** 63n, offset: 5n });
 * readReferenceTsc(page, () => guestTsc(20n)) // => { time: 15n, tsc: 20n, attempts: 1 }
 */
export function readReferenceTsc(page: ArrayBufferView, rdtsc: ReadTsc): ReferenceTimeReading | undefined {
  const view = viewOf("readReferenceTsc", "page", page, REFERENCE_TSC_PAGE_SIZE);
  checkFunction("readReferenceTsc", "rdtsc", rdtsc);
  return runAttempts(loadByLoad(view, rdtsc));
}

function* loadByLoad(
  view: DataView,
  rdtsc: ReadTsc,
): Generator<GuestLoad, ReferenceTimeReading | undefined, void> {
  for (let attempt = 1; ; attempt++) {
    const sequence = view.getUint32(SEQUENCE, LITTLE_ENDIAN);
    yield { attempt, load: "sequence" };
    if (sequence === 0) return undefined;
    const scale = view.getBigUint64(SCALE, LITTLE_ENDIAN);
    yield { attempt, load: "scale" };
    const offset = view.getBigUint64(OFFSET, LITTLE_ENDIAN);
    yield { attempt, load: "offset" };
    const tsc = rdtsc();
    yield { attempt, load: "tsc" };
    if (view.getUint32(SEQUENCE, LITTLE_ENDIAN) !== sequence) continue;
    return { time: U(64, mulU64U64Shr(tsc, scale, 64) + offset), tsc, attempts: attempt };
  }
}
