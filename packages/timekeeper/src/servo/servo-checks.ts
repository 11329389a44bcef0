import { checkFunction, checkObject, checkS64 } from "../argument-checks.js";
import type { OffsetMeasurement, ServoOptions } from "./seams.js";

/** Longest duration taken: 2^55 ns, more than a year. An instant plus a few of them stays within 64 bits. */
const MAX_DURATION_NS = 2n ** 55n;
const DEFAULT_POLL_NS = 64_000_000_000n;
const DEFAULT_TICK_NS = 4_000_000n;
const DECIMAL = /^-?(?:0|[1-9][0-9]*)$/;

/** Throws unless `value` is a bigint in `min` … 2^55. */
export function checkDurationNs(fn: string, name: string, value: bigint, min: bigint): void {
  checkS64(fn, name, value);
  if (value < min || value > MAX_DURATION_NS) {
    throw new RangeError(`${fn}: expected ${name} from ${min} to 2^55 ns, got ${value}`);
  }
}

/** Checks what the servos have in common; returns the poll interval. */
export function checkServoOptions(fn: string, options: ServoOptions): bigint {
  checkObject(fn, "options", options);
  const { clock, reference, nowNs, pollNs = DEFAULT_POLL_NS, tickNs = DEFAULT_TICK_NS, events } = options;
  checkObject(fn, "clock", clock);
  checkFunction(fn, "clock.realtimeNs", clock.realtimeNs);
  checkFunction(fn, "clock.adjtimex", clock.adjtimex);
  checkObject(fn, "reference", reference);
  checkFunction(fn, "reference.measure", reference.measure);
  checkFunction(fn, "nowNs", nowNs);
  checkDurationNs(fn, "tickNs", tickNs, 1n);
  checkS64(fn, "pollNs", pollNs);
  if (pollNs < tickNs) {
    throw new RangeError(`${fn}: expected pollNs of at least one tick (${tickNs} ns), got ${pollNs}`);
  }
  checkDurationNs(fn, "pollNs", pollNs, 1n);
  if (events !== undefined) checkObject(fn, "events", events);
  return pollNs;
}

/** Where the servo's axis stands; throws unless that is an s64. */
export function readNowNs(fn: string, options: ServoOptions): bigint {
  const now = options.nowNs();
  checkS64(fn, "nowNs()", now);
  return now;
}

/** Throws unless the measurement, which may come from the caller's own reference, is one. */
export function checkMeasurement(fn: string, measurement: OffsetMeasurement): OffsetMeasurement {
  checkObject(fn, "reference.measure()", measurement);
  checkS64(fn, "reference.measure().offsetNs", measurement.offsetNs);
  checkS64(fn, "reference.measure().delayNs", measurement.delayNs);
  if (measurement.delayNs < 0n) {
    throw new RangeError(
      `${fn}: expected reference.measure().delayNs of at least 0, got ${measurement.delayNs}`,
    );
  }
  return measurement;
}

/** Reads a whole number of any width written as a decimal string, as a saved state holds it; throws for anything else. */
export function parseWhole(fn: string, name: string, text: string): bigint {
  if (typeof text !== "string") {
    throw new TypeError(`${fn}: expected ${name} to be a decimal string, got ${typeof text}`);
  }
  if (!DECIMAL.test(text)) {
    throw new RangeError(`${fn}: expected ${name} to be a decimal string, got ${text}`);
  }
  return BigInt(text);
}
