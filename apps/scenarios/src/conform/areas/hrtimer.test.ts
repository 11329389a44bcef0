import { expect, it } from "vitest";
import type { Row } from "../replay.js";
import { hrtimerReplays } from "./hrtimer.js";

const NEVER = "9223372036854775807";

function init(timer: number, soft: boolean): Row {
  const callback = { kind: "oneshot", period: "0", restarts: 0, other: 0, other_delay: "0" };
  return { seq: 0, op: "init", timer, clock: 0, soft, ...callback, now: "0", offset: "0" };
}

function start(timer: number, time: string, left: Row): Row {
  const request = { rel: false, time, delta_ns: "0", was_queued: false };
  return { seq: 0, op: "start", timer, now: "0", ...request, softexpires: time, expires: time, ...left };
}

it("an init between other ops leaves a stale soft next event as it is", () => {
  const judge = hrtimerReplays.find(({ file }) => file === "sequence_multibase")?.create();
  const stale = { programmed: [], expires_next: "100", softirq_expires_next: "500" };
  const rows: Row[] = [
    init(0, false),
    init(1, true),
    start(0, "100", { programmed: [["100", 1]], expires_next: "100", softirq_expires_next: NEVER }),
    start(1, "500", stale),
    // Not the CPU's next timer: its removal looks at nothing again.
    { seq: 0, op: "cancel", timer: 1, now: "0", result: 1, ...stale },
    init(2, true),
    { seq: 0, op: "cancel", timer: 2, now: "0", result: 0, ...stale },
  ];
  expect(rows.map((row) => judge?.(row))).toEqual(rows.map(() => undefined));
});
