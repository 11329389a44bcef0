import { describe, expect, it } from "vitest";
import { NEWEST_PVCLOCK_BEHAVIOURS, PVCLOCK_BEHAVIOURS, tscRequests } from "../index.js";

/** What no release had up to 7.3; docs/model/pvclock §10 and its last section. */
const PROPOSED = [
  "getClock",
  "guestKhz",
  "masterClockTsc",
  "masterClockRequests",
  "gratuitousGlobal",
  "catchup",
  "catchupDelta",
];
const UNDATED = ["systemTimeWrite"];

describe("the newest kernel", () => {
  it.each(Object.entries(PVCLOCK_BEHAVIOURS))(
    "has the value of %s that came last, or no proposal",
    (axis, values) => {
      const isUnreleased = PROPOSED.includes(axis) || UNDATED.includes(axis);
      const newest = NEWEST_PVCLOCK_BEHAVIOURS[axis as keyof typeof NEWEST_PVCLOCK_BEHAVIOURS];
      expect(newest).toBe(isUnreleased ? values[0] : values.at(-1));
    },
  );
});

it("a VM's counters are wired by a function that gives its clock", () => {
  expect(() => tscRequests(undefined as never)).toThrow(TypeError);
});
