import type { HostTsc } from "@chronovisor/clocksource";
import { callTsc } from "./call-instant.js";
import type { XenAccuracyParams } from "./params.js";

/** Timers of a run where its length has room for them. */
const SAMPLES = 24n;
const NS_PER_MS = 1_000_000n;
/** A timer may take this many times its request and the gap before it is in the next one's way. */
const ROOM = 4n;

/** Host TSCs at which the guest sets a timer, ascending: evenly spaced from the reference on, the last one at the call. */
export function sampleInstants(params: XenAccuracyParams): HostTsc[] {
  const { referenceTsc, hostKhz, request, gap } = params;
  const call = callTsc(params);
  const span = call - referenceTsc;
  const roomCycles = (ROOM * (request + gap) * hostKhz) / NS_PER_MS;
  const fitting = span / roomCycles;
  const count = fitting < SAMPLES ? fitting : SAMPLES;
  const before = Array.from({ length: Number(count) }, (_, i) => referenceTsc + (span * BigInt(i)) / count);
  return [...before, call] as HostTsc[];
}
