import { type GuestTsc, guestTsc } from "@chronovisor/clocksource";
import fc from "fast-check";
import { expect, it } from "vitest";
import { parseKernel } from "../../kernels/kernels.js";
import { buildClockMachine } from "../clock-machine.js";

const { axes } = parseKernel("v7.3");

it("a guest that runs until its TSC reads a value goes on at the first host cycle at which it does", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 100_000n, max: 10_000_000n }),
      fc.bigInt({ min: 100_000n, max: 10_000_000n }),
      fc.constantFrom("vmx" as const, "svm" as const),
      fc.bigInt({ min: 0n, max: 2n ** 50n }),
      fc.array(fc.bigInt({ min: 1n, max: 1_000_000n }), { minLength: 1, maxLength: 8 }),
      (hostKhz, guestKhz, vendor, startTsc, waits) => {
        const { host, vm } = buildClockMachine({ hostKhz, guestKhz, vendor, startTsc, axes });
        const [counter] = vm.counters.vcpus;
        const read = (tsc: bigint): bigint => counter?.readL1(tsc as typeof host.startTsc) ?? 0n;
        const seen: [wanted: GuestTsc, before: bigint, at: bigint][] = [];
        vm.vcpus[0]?.start("waits", function* (cpu) {
          for (const wait of waits) {
            const wanted = guestTsc(cpu.rdtsc() + wait);
            yield cpu.run(wanted);
            seen.push([wanted, read(host.engine.now - 1n), cpu.rdtsc()]);
          }
        });
        host.engine.runUntil(host.tscAt(1_000_000_000n));
        expect(seen).toHaveLength(waits.length);
        for (const [wanted, before, at] of seen) {
          expect(at).toBeGreaterThanOrEqual(wanted);
          expect(before).toBeLessThan(wanted);
        }
      },
    ),
  );
});

it.each([
  // A guest of 100 kHz on 10 GHz reads 2^62 more only after 2^62 × 100 000 host cycles: far beyond a 64-bit counter.
  ["for what is beyond what the axis counts to", 10_000_000n, 100_000n, 2n ** 62n, 2n ** 62n],
  ["of just 2^62 host cycles", 2_000_000n, 1_000_000n, 2n ** 61n, 2n ** 62n],
  ["of a frequency like the host's", 2_000_000n, 2_000_000n, 2n ** 61n, 2n ** 61n],
])("a wait %s ends after at most 2^62 host cycles", (_, hostKhz, guestKhz, wait, expected) => {
  const { host, vm } = buildClockMachine({ hostKhz, guestKhz, vendor: "vmx", startTsc: 0n, axes });
  const [vcpu] = vm.vcpus;
  let from = 0n;
  vcpu?.start("waits", function* (cpu) {
    from = host.engine.now;
    yield cpu.run(guestTsc(cpu.rdtsc() + wait));
  });
  host.engine.runUntil(host.tscAt(1_000_000n));
  const wakes = vcpu?.nextAt ?? 0n;
  expect(wakes - from).toBe(expected);
});
