import { type HostTsc, hostTsc } from "@chronovisor/clocksource";
import { HRTIMER_MODE_ABS } from "@chronovisor/hrtimer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine, type ClockMachine } from "../clock-machine.js";
import { ACPI_PM, ChipsetClock, type ChipsetCounter, HPET } from "./chipset-counter.js";

const S = 1_000_000_000n;
const TSC_HZ = 2_500_000_000n;

const clockOf = (counter: ChipsetCounter, now = 0n, lastCount = 0n, tscHz = TSC_HZ): ChipsetClock =>
  new ChipsetClock(counter, tscHz, { now: () => hostTsc(now), lastCount: () => lastCount });

describe("a counter of the chipset", () => {
  it.each([
    ["hpet at 0", HPET, 0n, 0n],
    ["hpet a count before a second", HPET, TSC_HZ - 1n, 14_318_179n],
    ["hpet after a second", HPET, TSC_HZ, 14_318_180n],
    // 2^32 counts at 14.31818 MHz: 299.97 s.
    ["hpet a cycle before it turns", HPET, 749_915_019_925n, 4_294_967_295n],
    ["hpet as it turns", HPET, 749_915_019_926n, 0n],
    ["acpi_pm after a second", ACPI_PM, TSC_HZ, 3_579_545n],
    ["acpi_pm as it turns", ACPI_PM, 11_717_422_187n, 0n],
  ])("counts by its own frequency, within its own width: %s", (_title, counter, tsc, count) => {
    expect(clockOf(counter).read(hostTsc(tsc))).toBe(count);
  });

  it.each([
    ["hpet", HPET, 2n ** 32n - 1n],
    ["acpi_pm", ACPI_PM, 2n ** 24n - 1n],
  ])("%s is as wide as its register", (_name, counter, mask) => {
    expect(clockOf(counter).mask).toBe(mask);
  });

  it("is read first to show a count where it does not a cycle before, however many turns on", () => {
    const width = fc.constantFrom(HPET, ACPI_PM);
    fc.assert(
      fc.property(
        width,
        fc.bigInt({ min: 10_000_000n, max: 10_000_000_000n }),
        fc.bigInt({ min: 0n, max: 2n ** 50n }),
        fc.bigInt({ min: 0n, max: 2n ** 23n }),
        fc.bigInt({ min: 1n, max: 2n ** 36n }),
        (counter, tscHz, now, sinceLast, ahead) => {
          const counted = (tsc: bigint): bigint => (tsc * counter.hz) / tscHz;
          fc.pre(sinceLast <= counted(now));
          const mask = 2n ** BigInt(counter.bits) - 1n;
          const last = (counted(now) - sinceLast) & mask;
          const clock = clockOf(counter, now, last, tscHz);
          const at = clock.firstTscAt(last + sinceLast + ahead);
          expect(counted(at)).toBeGreaterThanOrEqual(counted(now) + ahead);
          expect(counted(at - 1n)).toBeLessThan(counted(now) + ahead);
        },
      ),
    );
  });

  it.each([
    ["the count it shows", 0n],
    ["one before", -1n],
    ["the last accumulated", -1_000n],
  ])("shows now what is no longer to come: %s", (_title, distance) => {
    const now = 10n * TSC_HZ;
    const last = 143_181_800n - 1_000n;
    expect(clockOf(HPET, now, last).firstTscAt(last + 1_000n + distance)).toBe(now);
  });

  it("knows a count across its turn from one that has passed", () => {
    // It turned 5 counts ago; the timekeeper accumulated 5 counts before that.
    const turn = (2n ** 24n * TSC_HZ + ACPI_PM.hz - 1n) / ACPI_PM.hz;
    const now = turn + (5n * TSC_HZ) / ACPI_PM.hz + 1n;
    const last = 2n ** 24n - 5n;
    const clock = clockOf(ACPI_PM, now, last);
    expect(clock.read(hostTsc(now))).toBe(5n);
    expect(clock.firstTscAt(2n ** 24n + 5n)).toBe(now);
    const next = clock.firstTscAt(2n ** 24n + 6n);
    expect(clock.read(next)).toBe(6n);
    expect(clock.read(hostTsc(next - 1n))).toBe(5n);
  });
});

describe("a host that keeps its time by one", () => {
  const { axes } = parseKernel("v7.3");
  const onCounter = (...counters: readonly ChipsetCounter[]): ClockMachine => {
    const machine = buildClockMachine({ hostKhz: 2_500_000n, guestKhz: 0n, axes });
    machine.host.engine.runUntil(machine.host.tscAt(123_456_789n));
    for (const counter of counters) machine.kvm.changeClocksource(counter);
    return machine;
  };

  it.each([
    // Their mult, 2343484437, is 0.08 ppb short of what it stands for: 7 µs a day.
    ["hpet", HPET, 1_000n],
    ["acpi_pm", ACPI_PM, 1_000n],
  ])("loses no turn of %s over a day, though no tick runs", (_name, counter, step) => {
    const { host } = onCounter(counter);
    const start = host.clock.monotonicNs();
    const day = 86_400n * S;
    host.engine.runUntil(host.tscAt(day + 123_456_789n));
    const off = host.clock.monotonicNs() - start - day;
    expect(off >= -10_000n - step && off <= step).toBe(true);
  });

  it.each([
    ["hpet", [HPET], 1n],
    ["hpet, beyond its turn", [HPET], 400n],
    ["acpi_pm, beyond several turns", [ACPI_PM], 20n],
    ["acpi_pm, which took over from hpet", [HPET, ACPI_PM], 3n],
  ] as const)("expires a timer where its clock first reads the time: %s", (_name, counters, seconds) => {
    const { host } = onCounter();
    const target = host.clock.monotonicNs() + seconds * S;
    let fired: HostTsc | undefined;
    let interrupts = 0;
    host.cpu(0).beforeTimers(() => {
      interrupts += 1;
    });
    const timer = host.hrtimers.createTimer(() => {
      fired = host.engine.now;
      return undefined;
    });
    host.engine.on(host.cpu(0).lane, () => timer.start(target, HRTIMER_MODE_ABS));
    for (const counter of counters) host.clock.changeCounter(counter);
    const done = (): boolean => fired !== undefined;
    host.engine.runUntilDone(done, host.tscAt((seconds + 10n) * S));
    expect(host.clock.monotonicNs()).toBeGreaterThanOrEqual(target);
    const counter = counters[counters.length - 1] ?? HPET;
    // A cycle before, the counter showed one count less: its clock one count of time.
    expect(host.clock.monotonicNs() - target).toBeLessThan(S / counter.hz + 1n);
    expect(interrupts).toBe(1);
  });

  it("aims its timers anew as one of the same multiplier takes over", () => {
    const { host } = onCounter(HPET);
    const { clock, engine } = host;
    const fired: [target: bigint, read: bigint][] = [];
    let interrupts = 0;
    host.cpu(0).beforeTimers(() => {
      interrupts += 1;
    });
    // A count of acpi_pm is 279 ns, one of hpet 70: the instants at which they show a time lie apart.
    const start = clock.monotonicNs();
    for (let i = 1n; i <= 50n; i++) {
      const target = start + i * 1_000_037n;
      const timer = host.hrtimers.createTimer(() => {
        fired.push([target, clock.monotonicNs()]);
        return undefined;
      });
      engine.on(host.cpu(0).lane, () => timer.start(target, HRTIMER_MODE_ABS));
    }
    const first = host.cpu(0).nextAt;
    clock.changeCounter(ACPI_PM);
    expect(host.cpu(0).nextAt).not.toBe(first);
    engine.runUntil(host.tscAt(S));
    expect(fired).toHaveLength(50);
    expect(fired.every(([target, read]) => read >= target && read - target <= S / ACPI_PM.hz + 1n)).toBe(
      true,
    );
    expect(interrupts).toBe(50);
  });
});
