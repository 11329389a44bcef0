import type { ExactClock } from "./exact-clock.js";

/** What a test drives: both servos have it. */
export interface Acting {
  readonly nextActionNs: bigint | undefined;
  act(): void;
}

/** Calls a servo whose axis is true time at the instants it names, up to and including `untilNs`; then goes there. */
export function runServo(servo: Acting, clock: ExactClock, untilNs: bigint): void {
  let next = servo.nextActionNs;
  while (next !== undefined && next <= untilNs) {
    clock.trueNs = next;
    servo.act();
    next = servo.nextActionNs;
  }
  clock.trueNs = untilNs;
}
