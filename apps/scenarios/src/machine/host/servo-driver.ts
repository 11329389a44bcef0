import type { Host } from "./host.js";

/** What an NTP daemon is to the machine: it names the instant of its next act, and acts. */
export interface Servo {
  /** On the axis it was given (CLOCK_MONOTONIC_RAW of the host), ns; undefined: never again. */
  readonly nextActionNs: bigint | undefined;
  act(): void;
}

/** Runs an NTP daemon on the host: it acts at the instants it names itself. */
export function runServo(host: Host, servo: Servo): void {
  const next = (): void => {
    const at = servo.nextActionNs;
    if (at === undefined) return;
    const due = host.clock.firstTscAtRaw(at);
    const { now } = host.engine;
    host.timeline.add({
      at: due < now ? now : due,
      name: "NTP daemon",
      act: () => {
        servo.act();
        next();
      },
    });
  };
  next();
}
