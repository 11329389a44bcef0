import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildLapicMachine } from "../../machine/lapic-machine.js";
import { WAIT_CASES, type WaitCase } from "./cases.js";
import { contextOf } from "./fixtures/context.js";
import { buildSlewMachine } from "./machine.js";
import { measureWait, waitLapic } from "./measure-wait.js";

const NS = 1_000n;

function wait(id: string): WaitCase {
  const found = WAIT_CASES.find((one) => one.id === id);
  if (found === undefined) throw new RangeError(`wait: expected a wait of the story, got ${id}`);
  return found;
}

/** From its deadline to its expiry, ps. */
function errorOf(mitigation: string, id: string, set: Record<string, string> = {}, release = "v7.0"): bigint {
  const { errorPs } = measureWait(contextOf(mitigation, set, release), wait(id));
  if (errorPs === undefined) throw new Error(`${mitigation}, ${id}: expected an expiry, got none`);
  return errorPs;
}

function expectBetween(got: bigint, low: bigint, high: bigint): void {
  expect(got >= low && got <= high, `${got} within ${low} to ${high}`).toBe(true);
}

/**
 * docs/model/scenarios-clock §S2.a and timekeeping-ntp §6: W in ns, slew, the error in ns on an ideal device and on an idle
 * CPU. Tolerance: 150 ppb of W, one unit of the multiplier at 2.5 GHz, and the 59.6 ppb that it rounds.
 */
const STEADY: ReadonlyArray<readonly [string, bigint, string, bigint, "idle is exact" | "idle is the same"]> =
  [
    ["1ms", 1_000_000n, "-500ppm", 500n, "idle is the same"],
    ["1ms", 1_000_000n, "500ppm", -500n, "idle is exact"],
    ["100ms", 100_000_000n, "-500ppm", 50_025n, "idle is the same"],
    ["100ms", 100_000_000n, "500ppm", -49_975n, "idle is exact"],
    ["1.28s", 1_280_000_000n, "-500ppm", 640_320n, "idle is the same"],
    ["1.28s", 1_280_000_000n, "500ppm", -639_680n, "idle is exact"],
    ["10s", 10_000_000_000n, "-500ppm", 5_002_501n, "idle is the same"],
    ["10s", 10_000_000_000n, "500ppm", -4_997_501n, "idle is exact"],
    ["1.28s", 1_280_000_000n, "-83333ppm", 116_363_000n, "idle is the same"],
    ["1.28s", 1_280_000_000n, "83333ppm", -98_461_000n, "idle is exact"],
  ];

describe.each(STEADY)("a wait of %s under a steady slew", (waitFor, waitNs, signed, ideal, onIdle) => {
  const [direction, slew] = signed.startsWith("-") ? ["slow", signed.slice(1)] : ["fast", signed];
  const set = { wait: waitFor, slew };
  // The page rounds the two largest to µs.
  const tolerance = (waitNs * (150n + 60n)) / 1_000_000_000n + (slew === "500ppm" ? 2n : 500n);

  it(`of ${signed} ends ${ideal} ns off on an ideal device`, () => {
    const id = `${direction}Ideal`;
    expectBetween(errorOf("monotonic", id, set), (ideal - tolerance) * NS, (ideal + tolerance) * NS);
  });

  it(`of ${signed}: on a device programmed 1 µs ahead or more, ${onIdle}`, () => {
    const expected = onIdle === "idle is exact" ? 0n : ideal;
    const got = errorOf("monotonic", `${direction}Idle`, set);
    // 8 cycles are lost to the device's counting, up to 1 µs to the least it can be programmed for.
    expectBetween(got, (expected - tolerance - 4n) * NS, (expected + tolerance + 1_000n) * NS);
  });

  it(`of ${signed}: follows the slew again from v7.1 on, idle or not`, () => {
    const got = errorOf("monotonic", `${direction}Idle`, set, "v7.1");
    expectBetween(got, (ideal - tolerance) * NS, (ideal + tolerance) * NS);
  });

  it(`of ${signed}: costs a unit of the multiplier where the wait is scaled, or on RAW`, () => {
    for (const mitigation of ["raw", "rate-compensated", "restart-on-update", "mapped-each-tick"]) {
      const got = errorOf(mitigation, `${direction}Ideal`, set);
      expectBetween(got, -tolerance * NS, tolerance * NS);
    }
  });
});

describe("a CPU that ticks every 4 ms", () => {
  // The page has ticks at k · 4 ms of true time. Ticks lie on a grid of CLOCK_MONOTONIC, up to 2 µs late: with the phase of
  // the arming the last one before the expiry is 0 to 4 ms away, and the error lies between p(W − τ) and pW / (1 + p).
  it.each([
    ["1.28s", "500ppm", -638_000n, -639_680n, 500n],
    ["10s", "500ppm", -4_996_000n, -4_997_501n, 1_500n],
    ["1.28s", "83333ppm", -98_333_000n, -98_461_000n, 140_000n],
  ])("sees part of a forward slew: %s at %s", (waitFor, slew, tick, ideal, tolerance) => {
    for (let phase = 0; phase < 4; phase += 0.25) {
      const set = { wait: waitFor, slew, armAfter: `${16 + phase}ms` };
      for (const id of ["fast", "nestedFast"]) {
        expectBetween(errorOf("monotonic", id, set), (ideal - tolerance) * NS, (tick + tolerance) * NS);
      }
    }
  });

  it("leaves a slow clock as late as an idle one", () => {
    const got = errorOf("monotonic", "slow");
    expectBetween(got, 640_320n * NS, (640_320n + 270n + 1_000n) * NS);
  });
});

describe("the nested preemption timer of 10^8", () => {
  it("passes L2 its deadline by 1 600 800 cycles at −500 ppm", () => {
    const cycles = (errorOf("monotonic", "nestedSlow") * 25n) / 10_000n;
    expectBetween(cycles, 1_600_800n, 1_600_800n + 675n + 2_500n);
  });

  it("passes it by 2.909 · 10^8 at −83 333 ppm", () => {
    const cycles = (errorOf("monotonic", "nestedSlow", { slew: "83333ppm" }) * 25n) / 10_000n;
    expect(cycles / 100_000n).toBe(2_909n);
  });

  it("comes back early under a forward slew that ticks look at, and passes without ticks", () => {
    expect(errorOf("monotonic", "nestedFast") < -637_000n * NS).toBe(true);
    expect(errorOf("monotonic", "nestedFastIdle")).toBe(0n);
  });
});

describe("without any slew, 10 s on an ideal device", () => {
  const unslewed: WaitCase = { ...wait("slowIdeal"), slew: 0, later: 0 };

  it.each([
    ["2.5GHz", 596n],
    ["2.4GHz", -477n],
    ["2GHz", 0n],
  ])("are off by what the multiplier rounds: %s, %i ns", (hostKhz, late) => {
    const { errorPs = 0n } = measureWait(contextOf("monotonic", { hostKhz, wait: "10s" }), unslewed);
    expectBetween(errorPs, (late - 1n) * NS, (late + 1n) * NS);
  });
});

/** §S2.c: 10 s, the slew changing at 2 s: error in ns under M0 and M2, and for how long M4 waits again, in ns. */
const CHANGES = [
  ["slewsBack", 4_002_000n, 4_002_000n],
  ["slewsForward", -3_998_000n, -3_998_000n],
  ["endsFast", -1_000_000n, 4_000_000n],
  ["endsSlow", 1_000_000n, -4_000_000n],
] as const;

describe.each(CHANGES)("a slew that changes during the wait, %s", (id, unmended, compensated) => {
  // The page's tolerance: 150 ppb of 10 s, 59.6 ppb of them, and half its last digit.
  const tolerance = 1_500n + 600n + 500n;

  it("costs the page's row without mitigation, and with a scale that has become wrong", () => {
    expectBetween(errorOf("monotonic", id), (unmended - tolerance) * NS, (unmended + tolerance) * NS);
    expectBetween(
      errorOf("rate-compensated", id),
      (compensated - tolerance) * NS,
      (compensated + tolerance) * NS,
    );
  });

  it("costs at most 2 µs where the timer is armed again at the change", () => {
    for (const mitigation of ["restart-on-update", "compensated-rechecked"]) {
      expectBetween(errorOf(mitigation, id), -2_000n * NS, 2_000n * NS);
    }
  });

  it("costs 596 ns on RAW, mapped or not", () => {
    for (const mitigation of ["raw", "mapped-each-tick"]) {
      expectBetween(errorOf(mitigation, id), 595n * NS, 597n * NS);
    }
  });

  it("is right to a step of 32 cycles where the hardware's timer serves a running guest", () => {
    expectBetween(errorOf("hardware-multiplexed", id), -26n * NS, 0n);
  });

  it("is never early where the expiry is checked, and as late as ever", () => {
    const got = errorOf("recheck-on-wake", id);
    if (unmended > 0n) expect(got).toBe(errorOf("monotonic", id));
    else expectBetween(got, -1n * NS, 0n);
  });
});

describe("asked at its expiry, an early wait", () => {
  it.each([
    // −3.998 ms, then 3.998 ms · 500 ppm = −1.998 µs, then −1 ns, and what that leaves.
    ["slewsForward", 4],
    // −1.000 ms, and no slew any more.
    ["endsFast", 2],
  ])("%s is armed again for the rest: %i expirations", (id, expirations) => {
    expect(measureWait(contextOf("recheck-on-wake"), wait(id)).callbacks).toBe(expirations);
  });

  it("of 1 s at +500 ppm is 499.75 µs, 249.8 ns and no nanosecond early", () => {
    const context = contextOf("recheck-on-wake", { wait: "1s" });
    const { errorPs, callbacks } = measureWait(context, wait("fastIdeal"));
    expect(callbacks).toBe(3);
    expectBetween(errorPs ?? -2n * NS, -1n * NS, 0n);
  });
});

describe("compensating is worse than nothing", () => {
  it("when a forward slew ends: +4 ms for −1 ms", () => {
    expect(errorOf("monotonic", "endsFast") / 1_000_000_000n).toBe(0n);
    expect(errorOf("rate-compensated", "endsFast") / 1_000_000n).toBe(3_999n);
  });

  it.each(["rate-compensated", "restart-on-update", "mapped-each-tick", "compensated-rechecked"])(
    "on an idle CPU under a forward slew, up to v7.0: %s is p · W late for 0",
    (mitigation) => {
      expect(errorOf("monotonic", "fastIdle")).toBe(0n);
      expectBetween(errorOf(mitigation, "fastIdle"), 639_700n * NS, 640_100n * NS);
    },
  );

  it.each(["rate-compensated", "restart-on-update", "mapped-each-tick", "compensated-rechecked"])(
    "no more from v7.1 on, where nothing is early: %s",
    (mitigation) => {
      expectBetween(errorOf("monotonic", "fastIdle", {}, "v7.1"), -639_700n * NS, -639_500n * NS);
      expectBetween(errorOf(mitigation, "fastIdle", {}, "v7.1"), -100n * NS, 200n * NS);
    },
  );
});

describe("a halted guest on a ticking CPU, 1 s at +500 ppm (§S2.d)", () => {
  const halted: WaitCase = { ...wait("fast"), waits: "halts" };
  const outcome = (mitigation: string): ReturnType<typeof measureWait> =>
    measureWait(contextOf(mitigation, { wait: "1s" }), halted);

  it("is lost by a re-check that arms nothing", () => {
    expect(outcome("recheck-without-restart")).toEqual({ errorPs: undefined, callbacks: 1 });
  });

  it("is woken 0.498 ms early without a re-check", () => {
    const { errorPs = 0n, callbacks } = outcome("monotonic");
    // 0.498 to 0.49975 ms, by the phase of the ticks.
    expectBetween(errorPs, -499_800n * NS, -497_900n * NS);
    expect(callbacks).toBe(1);
  });

  it("takes 2 to 3 expirations with one that arms the rest", () => {
    const { errorPs = -1_000n * NS, callbacks } = outcome("recheck-on-wake");
    expect(callbacks >= 2 && callbacks <= 3).toBe(true);
    // The rest is shorter than the 1 µs a device can be programmed for.
    expectBetween(errorPs, -1n * NS, 1_000n * NS);
  });
});

describe("a deadline far away (§S2.f)", () => {
  const WRAPPING = 18_446_744_073_710n;

  /** On a clock that counts true nanoseconds, and a host that needs no ticks for two hours. */
  function far(cycles: bigint, watchedNs: bigint): bigint | undefined {
    const free = { exitCost: 0n, entryCost: 0n, immediateExitCost: 0n, callbackCost: 0n, minDelta: 0n };
    const clocks = { hostKhz: 2_500_000n, hostHz: 2_500_000_000n, guestKhz: 2_500_000n, monoRatePpb: 0n };
    const { axes } = parseKernel("v7.0");
    const machine = buildLapicMachine({ ...free, ...clocks, busNs: 1n, preemptionTimer: "absent", axes });
    return waitLapic(machine, { armNs: 0n, cycles, waits: "halts", watchedNs }).errorPs;
  }

  it("aliases one that is now, and expires at once", () => {
    expect(far(WRAPPING, 0n)).toBe(-WRAPPING * 400n);
  });

  it("a cycle nearer is served after 7 378 697 629 483 ns, less than one short of it", () => {
    expect(far(WRAPPING - 1n, 7_378_697_629_483n)).toBe(undefined);
    expect(far(WRAPPING - 1n, 7_378_697_629_484n)).toBe(-400n);
  });

  it.each([
    [2n ** 37n - 1n, "hv"],
    [2n ** 37n, "sw"],
  ])("%i cycles away is served by the %s backend: 2^37 is beyond the preemption timer", (cycles, backend) => {
    const { host, vcpu } = buildSlewMachine(contextOf("hardware-multiplexed"), {
      slewPpb: 0n,
      device: "real",
      ticks: "no",
    });
    waitLapic({ host, vcpu }, { armNs: 0n, cycles, waits: "spins", watchedNs: 1_000n });
    expect(vcpu.apic.backend).toBe(backend);
  });
});
