/** Ids of clocks in a snapshot (docs/model/trace-formats §1.4). */

/** `BuiltinClock`: what a viewer knows by itself. */
const BUILTIN_CLOCK_IDS: ReadonlyMap<string, number> = new Map([
  ["CLOCK_REALTIME", 1],
  ["CLOCK_MONOTONIC", 3],
  ["CLOCK_MONOTONIC_RAW", 5],
]);

/** `BUILTIN_CLOCK_BOOTTIME`: what a trace's times are in when nothing is said. Ours are true time. */
export const PRIMARY_CLOCK_ID = 6;

/** The simulated CLOCK_BOOTTIME is not the primary clock, so it is a custom one; CLOCK_TAI never was a builtin. */
const CUSTOM_NAMES: ReadonlyMap<string, string> = new Map([
  ["CLOCK_BOOTTIME", "host.boottime"],
  ["CLOCK_TAI", "host.tai"],
]);

const FNV_OFFSET = 0x811c_9dc5;
const FNV_PRIME = 0x0100_0193;

/** Ids from here on are global; below them a sequence's own, and the builtin ones. */
const GLOBAL_CLOCK_ID = 0x8000_0000;

/** The 32-bit FNV-1a hash of a text's UTF-16 units, which for ASCII are its bytes. */
export function fnv1a32(text: string): number {
  let hash = FNV_OFFSET;
  for (let i = 0; i < text.length; i++) {
    // Wraps modulo 2^32, as the hash is defined.
    hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  }
  return hash >>> 0;
}

/** The qualified name of a clock that has no builtin id: `chronovisor.kvmclock.vcpu0`. */
export function qualifiedClockName(name: string): string {
  return `chronovisor.${CUSTOM_NAMES.get(name) ?? name}`;
}

/** The id of a clock: the builtin one of CLOCK_REALTIME, CLOCK_MONOTONIC and CLOCK_MONOTONIC_RAW, a hash of its name otherwise. */
export function clockId(name: string): number {
  const builtin = BUILTIN_CLOCK_IDS.get(name);
  return builtin ?? (fnv1a32(qualifiedClockName(name)) | GLOBAL_CLOCK_ID) >>> 0;
}
