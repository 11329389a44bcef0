import { describe, expect, it } from "vitest";
import { at, explain, logOf, MS, S, type Timed } from "../trace-analysis/fixtures/logs.js";
import { diagnosisLines } from "./diagnoses.js";
import { plainStyle } from "./style.js";

const offset = (from: bigint, to: bigint): Timed => ({
  kind: "tsc-offset",
  vcpu: 0,
  from: BigInt.asUintN(64, from),
  to: BigInt.asUintN(64, to),
});

const lines = (text: string): string => diagnosisLines(explain(text), plainStyle, 200).join("\n");

describe("a guest's TSC that was moved", () => {
  it.each([
    ["forward", 2_000_000n, "was moved by 2 000 000 cycles forward at 1.000000, and"],
    ["back", -2_000_000n, "was moved by 2 000 000 cycles back at 1.000000, and"],
  ])("%s is told with size and direction", (_, by, expected) => {
    const log = logOf("v6.12", [at(0n, offset(0n, -5_000n)), at(S, offset(-5_000n, by - 5_000n))]);
    expect(lines(log).replace(/[\u00a0\u202f]/g, " ")).toContain(expected);
  });

  it("is not told of a new vCPU's first offset, nor of a move below a microsecond", () => {
    const log = logOf("v6.12", [at(0n, offset(0n, -5_000n)), at(S, offset(-5_000n, -4_500n))]);
    expect(lines(log)).toBe("  Nothing in it is out of order, as far as it goes.");
  });
});

describe("a timer that was behind", () => {
  const timer = { timer: 0, name: "apic_timer_fn", cpu: 1 } as const;
  const log = logOf("v6.12", [
    at(0n, { kind: "cpu-runs", cpu: 1, what: "vcpu", vcpu: 0 }),
    ...[1n, 2n, 3n, 4n, 5n, 6n].flatMap((n) => {
      const now = n <= 3n ? n * MS : 6n * MS;
      return [
        at((n <= 4n ? n - 1n : 6n) * MS, {
          kind: "hrtimer-start",
          ...timer,
          expiresNs: n * MS,
          mode: "ABS|HARD",
          was: "idle",
        }),
        at(now, { kind: "hrtimer-expire", ...timer, nowNs: now }),
        at(now, { kind: "hrtimer-done", cpu: 1, timer: 0 }),
      ];
    }),
  ]);

  it("has the story named that shows it", () => {
    expect(lines(log)).toContain("was held up for 2 ms and caught up: 2 expiries a period or more after");
    expect(lines(log)).toContain("reproduce it: chronovisor compare long-stop");
  });

  it("has both named where times are cycles", () => {
    const cycles = lines(log.replace(/ (\d+)\.(\d{6}): /g, " $1$2: "));
    expect(cycles).toContain("whether it expired meanwhile cannot be told");
    expect(cycles).toContain("chronovisor compare long-stop, or periodic-drift");
  });
});
