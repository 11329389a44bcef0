import { describe, expect, it } from "vitest";
import { parseParams } from "../../params/parse-params.js";
import { pinnedTimerParams } from "./params.js";
import {
  countTolerance,
  lateHere,
  lateKicked,
  latePosted,
  lateUnheard,
  shareElsewhere,
  unheardMean,
  unheardQuantile,
} from "./predict.js";

const US = 1_000n;
const MS = 1_000_000n;
const params = (set: Record<string, string> = {}): Parameters<typeof lateHere>[0] =>
  parseParams(pinnedTimerParams, set);
const free = { exitCost: "0", entryCost: "0" };

describe("the share that expires elsewhere", () => {
  it.each<[Record<string, string>, bigint, bigint]>([
    [{}, 1n, 4n],
    [{ delta: "3999999ns" }, 3_999_999n, 4_000_000n],
    [{ delta: "4ms" }, 1n, 1n],
    [{ delta: "10s" }, 1n, 1n],
    [{ hog: "off" }, 0n, 1n],
    [{ vcpuCpu: "0" }, 0n, 1n],
    [{ nohzFull: "none" }, 0n, 1n],
    // KVM raises a period to 200 µs.
    [{ mode: "periodic", delta: "1us" }, 1n, 20n],
  ])("under %j is %d/%d", (set, part, whole) => {
    const share = shareElsewhere(params(set));
    expect(share.part * whole).toBe(part * share.whole);
  });

  it("is met within five standard deviations and eight", () => {
    // sqrt(10 000 · 1/4 · 3/4) = 43.3
    expect(countTolerance(10_000n, { part: 1n, whole: 4n })).toBe(216n + 8n);
    expect(countTolerance(10_000n, { part: 1n, whole: 1n })).toBe(8n);
    expect(countTolerance(0n, { part: 1n, whole: 4n })).toBe(8n);
  });
});

describe("the delays of era0 (docs/model/hrtimer §8.2)", () => {
  it.each([
    ["1s", 900n, 600n * MS],
    ["1s", 990n, 960n * MS],
    ["1s", 999n, 996n * MS],
    ["4ms", 900n, 2_400n * US],
    ["4ms", 990n, 3_840n * US],
  ])("with an exit every %s have quantile %d of a thousand at %d ns", (residual, permille, expected) => {
    expect(unheardQuantile(params({ ...free, residual }), 10_000n, permille)?.value).toBe(expected);
  });

  it("have none where most are served at once", () => {
    expect(unheardQuantile(params(), 10_000n, 750n)).toBeUndefined();
    expect(unheardQuantile(params(), 10_000n, 500n)).toBeUndefined();
  });

  it.each([
    ["1s", 125n * MS],
    ["4ms", 500n * US],
  ])("with an exit every %s are %d ns on average", (residual, expected) => {
    expect(unheardMean(params({ ...free, residual }), 10_000n).value).toBe(expected);
  });

  it("all wait where all go elsewhere", () => {
    const all = params({ ...free, delta: "4ms" });
    expect(unheardQuantile(all, 100n, 500n)?.value).toBe(500n * MS);
    expect(unheardMean(all, 100n).value).toBe(500n * MS);
  });

  it("may stray by what as many samples stray, and by two ticks", () => {
    // σ = X · sqrt(p/3 − p²/4) = 260 ms of a sample, 2.6 ms of the mean of 10 000.
    expect(unheardMean(params(), 10_000n).tolerance / MS).toBe(13n + 8n / 10n + 8n);
    expect((unheardQuantile(params(), 10_000n, 990n)?.tolerance ?? 0n) / MS).toBe(30n);
  });
});

describe("how late a timer is", () => {
  const costs = { exitCost: "3us", entryCost: "2us", ipiCost: "7us" };

  it("on its vCPU's CPU: exit and entry; kicked: an interrupt across too; posted: only that", () => {
    const p = params(costs);
    expect(lateHere(p)).toEqual({ least: 5n * US, most: 5n * US });
    expect(lateKicked(p)).toEqual({ least: 12n * US, most: 12n * US });
    expect(latePosted(p)).toEqual({ least: 7n * US, most: 7n * US });
    expect(lateUnheard(p)).toBe(1_000n * MS + 5n * US);
  });

  it("at most: the exit with its jitter, or an entry that begins anew", () => {
    expect(lateHere(params({ ...costs, exitJitter: "9us" })).most).toBe(14n * US);
    expect(lateHere(params({ exitCost: "1us", entryCost: "5us" }))).toEqual({
      least: 6n * US,
      most: 10n * US,
    });
    expect(lateKicked(params({ entryCost: "5us" })).most).toBe(11n * US);
    expect(latePosted(params({ entryCost: "5us" }))).toEqual({ least: US, most: 11n * US });
  });

  it("halted: by the entry, wherever it expired", () => {
    const p = params({ ...costs, guest: "halts" });
    for (const bounds of [lateHere(p), lateKicked(p), latePosted(p)]) {
      expect(bounds).toEqual({ least: 2n * US, most: 2n * US });
    }
    expect(lateUnheard(p)).toBe(2n * US);
  });

  it("to the cycle that each cost is rounded to", () => {
    // 3 cycles of 10 ns for 25 ns, and 3 for 26: 60 ns, not 51.
    const slow = { hostKhz: "100MHz", exitCost: "25ns", entryCost: "26ns" };
    expect(lateHere(params(slow)).least).toBe(60n);
  });
});
