import type { MonotonicNs } from "@chronovisor/clocksource";
import {
  CLOCK_MONOTONIC,
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HrtimerSystem,
  KTIME_MAX,
} from "@chronovisor/hrtimer";
import { describe, expect, it } from "vitest";
import {
  type Guest,
  guest,
  isPending,
  KERNEL_6_1,
  KERNEL_6_12,
  PORT,
  PRIORITY,
  takeEvents,
} from "../../test/guest.js";
import { type XenTimerBehaviours, XenVcpu } from "../index.js";

const MS = 1_000_000n;

/** The guest of the other tests, its timer on a host of real hrtimers. */
function onHrtimers(behaviours: XenTimerBehaviours): {
  g: Guest;
  xen: XenVcpu;
  runUntil: (ns: bigint) => number;
} {
  const g = guest(behaviours);
  let programmed = KTIME_MAX;
  const system = new HrtimerSystem({
    clock: {
      monotonicNs: () => g.host.now as MonotonicNs,
      offsets: () => ({ sequence: 0, realtimeNs: 0n, boottimeNs: 0n, taiNs: 0n }),
    },
    cpus: [
      {
        device: {
          program(expiresNs, force) {
            const taken = force === "force" || expiresNs > g.host.now;
            if (taken) programmed = expiresNs;
            return taken;
          },
        },
      },
    ],
  });
  const mode = HRTIMER_MODE_ABS | HRTIMER_MODE_HARD;
  const xen = new XenVcpu({
    ...g.options,
    createTimer: (onExpiry) => system.createTimer(onExpiry, { name: "xen", clock: CLOCK_MONOTONIC, mode }),
  });
  xen.timer.setAttribute({ port: PORT, priority: PRIORITY, expiresNs: 0n });
  xen.channels.vcpuInfo.activate(g.vcpuInfo);
  /** Events the guest takes until the host's clock reads `ns`. */
  const runUntil = (ns: bigint): number => {
    let events = 0;
    const enter = (): void => {
      xen.prepareEntry();
      if (isPending(g)) events++;
      takeEvents(g);
    };
    enter();
    while (programmed <= ns) {
      if (programmed > g.host.now) g.host.now = programmed;
      programmed = KTIME_MAX;
      system.cpu(0).interrupt();
      enter();
    }
    g.host.now = ns;
    return events;
  };
  return { g, xen, runUntil };
}

describe.each([
  ["6.1", KERNEL_6_1, 2],
  ["6.12", KERNEL_6_12, 1],
] as const)("over real hrtimers, as %s", (_release, behaviours, eventsOfReplaced) => {
  it("a timer fires once, at its nanosecond", () => {
    const { g, xen, runUntil } = onHrtimers(behaviours);
    const start = g.host.now;
    xen.timer.start(g.host.guestNow + MS, "linux");
    expect(runUntil(start + MS - 1n)).toBe(0);
    expect(runUntil(start + MS)).toBe(1);
    expect(runUntil(start + 100n * MS)).toBe(0);
  });

  it("a moved timer fires at its new time only", () => {
    const { g, xen, runUntil } = onHrtimers(behaviours);
    const start = g.host.now;
    xen.timer.start(g.host.guestNow + MS, "linux");
    xen.timer.start(g.host.guestNow + 5n * MS, "linux");
    expect(runUntil(start + 5n * MS - 1n)).toBe(0);
    expect(runUntil(start + 5n * MS)).toBe(1);
  });

  it(`one replaced by a past one makes ${eventsOfReplaced} in all`, () => {
    const { g, xen, runUntil } = onHrtimers(behaviours);
    xen.timer.start(g.host.guestNow + MS, "linux");
    xen.timer.start(g.host.guestNow - 1n, "linux");
    expect(runUntil(g.host.now + 5n * MS)).toBe(eventsOfReplaced);
  });

  it("one whose host instant wrapped below 0 is saturated to never by hrtimer_start", () => {
    const { g, xen, runUntil } = onHrtimers(behaviours);
    xen.timer.start(g.host.guestNow + 2n ** 63n - 1n, "none");
    expect(xen.timer.hrtimerArmed).toBe(true);
    expect(runUntil(g.host.now + 2n ** 62n)).toBe(0);
  });

  it("one that is saved runs on", () => {
    const { g, xen, runUntil } = onHrtimers(behaviours);
    const start = g.host.now;
    xen.timer.start(g.host.guestNow + MS, "linux");
    runUntil(start + MS / 2n);
    expect(xen.timer.getAttribute().expiresNs).toBe(g.host.guestNow + MS / 2n);
    expect(runUntil(start + MS)).toBe(1);
  });
});
