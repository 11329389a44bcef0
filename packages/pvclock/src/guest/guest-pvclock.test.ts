import { guestTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeWallClock,
  GuestPvclock,
  type TimeInfoUpdate,
  writeVcpuTimeInfo,
  writeVcpuTimeInfoSteps,
} from "../index.js";

const STABLE = 1;
const STOPPED = 2;
const FLAGS_OFFSET = 29;

/** A clock of 1 ns per 2 cycles, `systemTime` ns at TSC 0. */
function area(systemTime: bigint, flags = 0): Uint8Array {
  const bytes = new Uint8Array(32);
  writeVcpuTimeInfo(bytes, update(systemTime, flags));
  return bytes;
}

function update(systemTime: bigint, flags = 0): TimeInfoUpdate {
  return { tscTimestamp: 0n, systemTime, tscToSystemMul: 2 ** 31, tscShift: 0, flags };
}

function countTouches() {
  let count = 0;
  const onWatchdogsTouched = () => {
    count += 1;
  };
  return { events: { onWatchdogsTouched }, touched: () => count };
}

const at = (tsc: bigint) => () => guestTsc(tsc);

describe("the clamp between vCPUs", () => {
  it("makes time stand still where a vCPU is behind", () => {
    const guest = new GuestPvclock();
    const [ahead, behind] = [area(1000n), area(400n)];
    expect([
      guest.read(ahead, at(0n)),
      guest.read(behind, at(0n)),
      guest.read(behind, at(1198n)),
      guest.read(behind, at(1200n)),
      guest.read(behind, at(1202n)),
    ]).toEqual([1000n, 1000n, 1000n, 1000n, 1001n]);
  });

  it.each([
    ["is skipped when bit 0 is set and trusted", STABLE, STABLE, 400n, 1000n],
    ["acts when bit 0 is set and not trusted", 0, STABLE, 1000n, 1000n],
    ["acts when bit 0 is trusted and not set", STABLE, 0, 1000n, 1000n],
    ["does not care for other bits", 255 - STABLE, 255, 1000n, 1000n],
  ])("%s", (_title, trustedFlags, flags, expected, last) => {
    const guest = new GuestPvclock({ trustedFlags });
    guest.read(area(1000n), at(0n));
    expect(guest.read(area(400n, flags), at(0n))).toBe(expected);
    expect(guest.last).toBe(last);
  });

  it("lets a stable reading ahead pass without remembering it", () => {
    const guest = new GuestPvclock({ trustedFlags: STABLE });
    expect(guest.read(area(1000n, STABLE), at(0n))).toBe(1000n);
    expect(guest.last).toBe(0n);
  });

  it("holds an absurd reading for ever, as one TSC behind its reference gives", () => {
    const guest = new GuestPvclock();
    const early = new Uint8Array(32);
    writeVcpuTimeInfo(early, { ...update(0n), tscTimestamp: 1n });
    const absurd = guest.read(early, at(0n));
    expect(absurd).toBe(2n ** 63n - 1n);
    expect(guest.read(area(1000n), at(0n))).toBe(absurd);
  });

  it("starts over when the guest resumes", () => {
    const guest = new GuestPvclock();
    guest.read(area(1000n), at(0n));
    guest.resume();
    expect(guest.read(area(400n), at(0n))).toBe(400n);
  });

  it("never goes back, whatever the vCPUs' structures say", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 63n })),
        ),
        (readings) => {
          const guest = new GuestPvclock();
          let highest = 0n;
          for (const [systemTime, tsc] of readings) {
            const raw = (systemTime + tsc / 2n) % 2n ** 64n;
            if (raw > highest) highest = raw;
            expect(guest.read(area(systemTime), at(tsc))).toBe(highest);
          }
        },
      ),
    );
  });

  it("never goes back when vCPUs interleave, the host writing between them", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 120 }),
        fc.array(fc.bigInt({ min: 0n, max: 5000n }), { minLength: 3, maxLength: 12 }),
        (schedule, times) => {
          const guest = new GuestPvclock();
          const areas = [area(100n), area(90n), area(120n)];
          const host = (function* () {
            for (const [i, time] of times.entries())
              yield* writeVcpuTimeInfoSteps(pick(areas, i), update(time));
          })();
          const vcpus = areas.map((own) => guest.readSteps(own, at(0n)));
          // What a read returned is a lower bound for every read that began after it.
          const floors = areas.map(() => 0n);
          let returned = 0n;
          for (const actor of schedule) {
            if (actor === 3) {
              host.next();
              continue;
            }
            const step = pick(vcpus, actor).next();
            if (!step.done) continue;
            expect(step.value >= pick(floors, actor)).toBe(true);
            if (step.value > returned) returned = step.value;
            floors[actor] = returned;
            vcpus[actor] = guest.readSteps(pick(areas, actor), at(0n));
          }
        },
      ),
    );
  });

  it("starts its exchange over when another vCPU came first", () => {
    const guest = new GuestPvclock();
    const steps = guest.readSteps(area(500n), at(0n));
    const loads: string[] = [];
    for (let step = steps.next(); ; step = steps.next()) {
      if (step.done) {
        expect(step.value).toBe(500n);
        break;
      }
      loads.push(step.value.load);
      if (loads.filter((load) => load === "last").length === 1 && step.value.load === "last") {
        guest.read(area(300n), at(0n));
      }
    }
    expect(loads.slice(-3)).toEqual(["flags", "last", "last"]);
  });

  it("returns what the other vCPU stored when that is later", () => {
    const guest = new GuestPvclock();
    const steps = guest.readSteps(area(500n), at(0n));
    let step = steps.next();
    while (!step.done && step.value.load !== "last") step = steps.next();
    guest.read(area(700n), at(0n));
    step = steps.next();
    expect(step).toEqual({ done: false, value: { load: "last" } });
    expect(steps.next()).toEqual({ done: true, value: 700n });
  });
});

describe("GUEST_STOPPED", () => {
  it("is left alone by the clocksource's read and by the vDSO's", () => {
    const own = area(5n, STABLE | STOPPED);
    const guest = new GuestPvclock();
    guest.read(own, at(0n));
    guest.readVdso(own, at(0n));
    expect(own[FLAGS_OFFSET]).toBe(STABLE | STOPPED);
  });

  it("is consumed once, by the read of the wall-clock path, without a version step", () => {
    const { events, touched } = countTouches();
    const guest = new GuestPvclock({ events });
    const own = area(5n, STABLE | STOPPED);
    expect(guest.readTouchingWatchdogs(own, at(0n))).toBe(5n);
    expect(guest.readTouchingWatchdogs(own, at(0n))).toBe(5n);
    expect([own[0], own[FLAGS_OFFSET], touched()]).toEqual([2, STABLE, 1]);
  });

  it("is consumed by the soft-lockup check, which looks at no version", () => {
    const { events, touched } = countTouches();
    const guest = new GuestPvclock({ events });
    const own = area(5n, STABLE | STOPPED);
    own[0] = 3;
    expect([guest.takeGuestStopped(own), guest.takeGuestStopped(own), touched()]).toEqual([true, false, 1]);
  });

  it("comes back if the host writes before the guest has looked, and not after", () => {
    const guest = new GuestPvclock();
    const own = area(5n, STABLE | STOPPED);
    writeVcpuTimeInfo(own, update(6n, STABLE));
    expect(guest.takeGuestStopped(own)).toBe(true);
    writeVcpuTimeInfo(own, update(7n, STABLE));
    expect(guest.takeGuestStopped(own)).toBe(false);
  });
});

describe("the vDSO's read", () => {
  it("needs bit 0 whatever the kernel trusts, and is never clamped", () => {
    const guest = new GuestPvclock();
    guest.read(area(1000n), at(0n));
    expect(guest.readVdso(area(400n, STABLE), at(0n))).toBe(400n);
    expect(guest.readVdso(area(400n, 0), at(0n))).toBeUndefined();
  });
});

describe("the time of day", () => {
  it.each([
    ["is the epoch plus the clock", { sec: 10, nsec: 7 }, 5n, { sec: 10n, nsec: 12 }],
    ["carries into the seconds", { sec: 10, nsec: 999_999_999 }, 1n, { sec: 11n, nsec: 0 }],
    ["takes nanoseconds beyond a second", { sec: 0, nsec: 2 ** 32 - 1 }, 0n, { sec: 4n, nsec: 294_967_295 }],
    ["wraps at 64 bits of nanoseconds", { sec: 1, nsec: 0 }, 2n ** 64n - 1n, { sec: 0n, nsec: 999_999_999 }],
  ])("%s", (_title, epoch, systemTime, expected) => {
    const wallClock = encodeWallClock({ version: 2, ...epoch });
    expect(new GuestPvclock().readWallTime(wallClock, area(systemTime), at(0n))).toEqual(expected);
  });

  it("consumes GUEST_STOPPED", () => {
    const own = area(5n, STOPPED);
    new GuestPvclock().readWallTime(encodeWallClock({ version: 2, sec: 1, nsec: 1 }), own, at(0n));
    expect(own[FLAGS_OFFSET]).toBe(0);
  });

  it("cannot be told while either version is odd", () => {
    const closed = encodeWallClock({ version: 2, sec: 1, nsec: 1 });
    const open = encodeWallClock({ version: 3, sec: 1, nsec: 1 });
    const odd = area(5n);
    odd[0] = 1;
    expect(new GuestPvclock().readWallTime(open, area(5n), at(0n))).toBeUndefined();
    expect(new GuestPvclock().readWallTime(closed, odd, at(0n))).toBeUndefined();
    expect(new GuestPvclock().read(odd, at(0n))).toBeUndefined();
    expect(new GuestPvclock().readTouchingWatchdogs(odd, at(0n))).toBeUndefined();
  });
});

describe("a guest's saved state", () => {
  it("goes on where it was", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 255 }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (trustedFlags, systemTime) => {
          const guest = new GuestPvclock({ trustedFlags });
          guest.read(area(systemTime), at(0n));
          const saved = JSON.parse(JSON.stringify(guest.state()));
          const restored = GuestPvclock.fromState(saved);
          expect(restored.state()).toEqual(guest.state());
          expect(restored.read(area(3n), at(0n))).toBe(guest.read(area(3n), at(0n)));
        },
      ),
    );
  });

  it("is refused when it is none", () => {
    expect(() => GuestPvclock.fromState({ trustedFlags: 0, last: "0x1" })).toThrow(RangeError);
    expect(() => GuestPvclock.fromState({ trustedFlags: 256, last: "1" })).toThrow(RangeError);
    expect(() => GuestPvclock.fromState({ trustedFlags: 0, last: String(2n ** 64n) })).toThrow(RangeError);
  });

  it("takes new events", () => {
    const { events, touched } = countTouches();
    const guest = GuestPvclock.fromState({ trustedFlags: 0, last: "5" }, events);
    guest.takeGuestStopped(area(0n, STOPPED));
    expect(touched()).toBe(1);
  });
});

function pick<T>(list: readonly T[], index: number): T {
  const found = list[index % list.length];
  if (found === undefined) throw new Error("an empty list");
  return found;
}
