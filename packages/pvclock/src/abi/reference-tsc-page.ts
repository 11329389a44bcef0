/**
 * Hyper-V's reference TSC page: another way to hand a guest the same clock, in units of 100 ns. 24 bytes at the start of a
 * page, little-endian: u32 sequence, u32 reserved, u64 scale (0.64 fixed point), s64 offset.
 *
 *     reference time = (tsc · scale >> 64) + offset
 *
 * There is no odd version: a sequence of 0 means "do not use this page, read the MSR", and stands while KVM writes.
 *
 * Source: Hyper-V TLFS, "Partition Reference TSC Mechanism"; `arch/x86/kvm/hyperv.c`; docs/model/pvclock §9.
 */

import { mulU64U32Div, mulU64U64Shr } from "@chronovisor/clocksource";
import { checkInteger, checkObject, checkS64, checkU32, checkU64, viewOf } from "../argument-checks.js";
import { finish, type HostStore } from "./steps.js";
import { checkTimeInfo, PVCLOCK_TSC_STABLE_BIT, type VcpuTimeInfo } from "./vcpu-time-info.js";

/** Bytes of the page that mean something. */
export const REFERENCE_TSC_PAGE_SIZE = 24;

/** Byte offsets of the fields. */
export const SEQUENCE = 0;
export const SCALE = 8;
export const OFFSET = 16;

const LITTLE_ENDIAN = true;
const WORD = 4;
const NS_PER_UNIT = 100;
/** What the first Hyper-V took for "invalid"; KVM skips it. */
const OLD_INVALID_SEQUENCE = 2 ** 32 - 1;

/** How a guest TSC becomes reference time. */
export interface ReferenceTscParameters {
  /** Units of 100 ns per cycle, u64, 0.64 fixed point. */
  readonly scale: bigint;
  /** Reference time at TSC 0, units of 100 ns, s64. */
  readonly offset: bigint;
}

/** `struct ms_hyperv_tsc_page`, as far as it means something. */
export interface ReferenceTscPage extends ReferenceTscParameters {
  /** u32; 0: read the MSR instead. */
  readonly sequence: number;
}

/**
 * The parameters of a reference TSC page that says what a `vcpu_time_info` says, up to flooring.
 *
 * @param info - the vCPU's clock.
 * @returns scale and offset; undefined without bit 0 of the flags, or if the scale would not fit: `mul` of
 * 100·2^(32−shift) or more, which takes a shift of 7 or more.
 * @throws RangeError for a shift outside −32 … 31, a multiplier of 0, or a field outside its width, TypeError for a wrong type.
 * Source: `hyperv.c:compute_tsc_page_parameters`; docs/model/pvclock §9.
 * @example
 * const info = { version: 2, tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 3435973836, tscShift: -1, flags: 1 };
 * referenceTscParameters(info) // => { scale: 73786976277658337n, offset: 0n }
 */
export function referenceTscParameters(info: VcpuTimeInfo): ReferenceTscParameters | undefined {
  checkTimeInfo("referenceTscParameters", info);
  const { tscToSystemMul: mul, tscShift, tscTimestamp, systemTime, flags } = info;
  checkInteger("referenceTscParameters", "tscShift", tscShift, -32, 31);
  checkInteger("referenceTscParameters", "tscToSystemMul", mul, 1, 2 ** 32 - 1);
  if ((flags & PVCLOCK_TSC_STABLE_BIT) === 0) return undefined;
  if (BigInt(mul) >= BigInt(NS_PER_UNIT) << BigInt(32 - tscShift)) return undefined;
  const scale = mulU64U32Div(1n << BigInt(32 + tscShift), mul, NS_PER_UNIT);
  const offset = systemTime / BigInt(NS_PER_UNIT) - mulU64U64Shr(tscTimestamp, scale, 64);
  return { scale, offset: BigInt.asIntN(64, offset) };
}

/**
 * The 24 bytes of a reference TSC page.
 *
 * @param page - the fields, each within its width.
 * @returns a new array of 24 bytes.
 * @throws TypeError or RangeError for a field outside its width.
 * Source: Hyper-V TLFS; docs/model/pvclock §9.
 * @example
 * encodeReferenceTscPage({ sequence: 1, scale: 2n, offset: -1n }).join(" ")
 * // => '1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0 255 255 255 255 255 255 255 255'
 */
export function encodeReferenceTscPage(page: ReferenceTscPage): Uint8Array {
  checkObject("encodeReferenceTscPage", "page", page);
  checkU32("encodeReferenceTscPage", "sequence", page.sequence);
  checkParameters("encodeReferenceTscPage", page);
  const bytes = new Uint8Array(REFERENCE_TSC_PAGE_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(SEQUENCE, page.sequence, LITTLE_ENDIAN);
  view.setBigUint64(SCALE, page.scale, LITTLE_ENDIAN);
  view.setBigInt64(OFFSET, page.offset, LITTLE_ENDIAN);
  return bytes;
}

/**
 * The fields of a reference TSC page, whatever they hold.
 *
 * @param bytes - a typed array or DataView; its first 24 bytes are read.
 * @returns the fields.
 * @throws RangeError for fewer than 24 bytes, TypeError for anything but a view of bytes.
 * Source: Hyper-V TLFS; docs/model/pvclock §9.
 * @example
 * decodeReferenceTscPage(new Uint8Array(24)) // => { sequence: 0, scale: 0n, offset: 0n }
 */
export function decodeReferenceTscPage(bytes: ArrayBufferView): ReferenceTscPage {
  const view = viewOf("decodeReferenceTscPage", "bytes", bytes, REFERENCE_TSC_PAGE_SIZE);
  return {
    sequence: view.getUint32(SEQUENCE, LITTLE_ENDIAN),
    scale: view.getBigUint64(SCALE, LITTLE_ENDIAN),
    offset: view.getBigInt64(OFFSET, LITTLE_ENDIAN),
  };
}

/**
 * Writes a reference TSC page, pausing after every store: sequence 0, the body in words, the sequence that follows the one
 * found. 0 and 2^32−1 are skipped.
 *
 * @param page - guest memory, at least 24 bytes.
 * @param parameters - scale u64 and offset s64.
 * @returns a generator that yields after each store and returns what the page holds.
 * @throws TypeError or RangeError for a page too short or a parameter outside its width, before anything is written.
 * Source: `hyperv.c:kvm_hv_setup_tsc_page`; docs/model/pvclock §9.
 * @example
 * const page = encodeReferenceTscPage({ sequence: 7, scale: 0n, offset: 0n });
 * const steps = writeReferenceTscPageSteps(page, { scale: 2n, offset: -3n });
 * steps.next().value // => { offset: 0, store: 'version' }
 * decodeReferenceTscPage(page).sequence // => 0
 * [...steps].length // => 6
 * decodeReferenceTscPage(page) // => { sequence: 8, scale: 2n, offset: -3n }
 */
export function writeReferenceTscPageSteps(
  page: ArrayBufferView,
  parameters: ReferenceTscParameters,
): Generator<HostStore, ReferenceTscPage, void> {
  const view = viewOf("writeReferenceTscPageSteps", "page", page, REFERENCE_TSC_PAGE_SIZE);
  checkParameters("writeReferenceTscPageSteps", parameters);
  return eachStore(view, { ...parameters });
}

/**
 * {@link writeReferenceTscPageSteps} without a pause.
 *
 * @param page - guest memory, at least 24 bytes.
 * @param parameters - scale u64 and offset s64.
 * @returns what the page holds.
 * @throws TypeError or RangeError for a page too short or a parameter outside its width, before anything is written.
 * Source: `hyperv.c:kvm_hv_setup_tsc_page`; docs/model/pvclock §9.
 * @example
 * writeReferenceTscPage(new Uint8Array(24), { scale: 2n, offset: -3n }) // => { sequence: 1, scale: 2n, offset: -3n }
 */
export function writeReferenceTscPage(
  page: ArrayBufferView,
  parameters: ReferenceTscParameters,
): ReferenceTscPage {
  const view = viewOf("writeReferenceTscPage", "page", page, REFERENCE_TSC_PAGE_SIZE);
  checkParameters("writeReferenceTscPage", parameters);
  return finish(eachStore(view, { ...parameters }));
}

function* eachStore(
  view: DataView,
  { scale, offset: offsetUnits }: ReferenceTscParameters,
): Generator<HostStore, ReferenceTscPage, void> {
  const next = (view.getUint32(SEQUENCE, LITTLE_ENDIAN) + 1) >>> 0;
  const sequence = next === 0 || next === OLD_INVALID_SEQUENCE ? 1 : next;
  view.setUint32(SEQUENCE, 0, LITTLE_ENDIAN);
  yield { offset: SEQUENCE, store: "version" };

  const body = new DataView(encodeReferenceTscPage({ sequence: 0, scale, offset: offsetUnits }).buffer);
  for (let offset = WORD; offset < REFERENCE_TSC_PAGE_SIZE; offset += WORD) {
    view.setUint32(offset, body.getUint32(offset));
    yield { offset, store: "body" };
  }
  view.setUint32(SEQUENCE, sequence, LITTLE_ENDIAN);
  yield { offset: SEQUENCE, store: "version" };
  return { sequence, scale, offset: offsetUnits };
}

function checkParameters(fn: string, parameters: ReferenceTscParameters): void {
  checkObject(fn, "parameters", parameters);
  checkU64(fn, "scale", parameters.scale);
  checkS64(fn, "offset", parameters.offset);
}
