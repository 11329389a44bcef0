import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeHost } from "../../test/fake-host.js";
import { OneApic } from "../../test/one-apic.js";
import { LocalApic, type LocalApicState } from "../index.js";

/** A guest's and a host's doings. */
type Step =
  | readonly ["page", offset: number, value: number]
  | readonly ["msr", msr: number, value: bigint]
  | readonly ["message", vector: number, mode: number]
  | readonly ["pass"]
  | readonly ["time", ns: number];

const offset = fc.integer({ min: 0, max: 0x3f }).map((slot) => slot * 16);
const msr = fc.oneof(fc.constantFrom(0x1b, 0x6e0), fc.integer({ min: 0x800, max: 0x83f }));
const base = fc.constantFrom(0xfee0_0900n, 0xfee0_0d00n, 0xfee0_0100n);
const value = fc.oneof(fc.integer({ min: 0, max: 2 ** 21 - 1 }), fc.nat({ max: 2 ** 32 - 1 }));
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.constant("page" as const), offset, value),
  fc.tuple(fc.constant("msr" as const), msr, value.map(BigInt)),
  fc.tuple(fc.constant("msr" as const), fc.constant(0x1b), base),
  fc.tuple(fc.constant("message" as const), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 7 })),
  fc.tuple(fc.constant("pass" as const)),
  fc.tuple(fc.constant("time" as const), fc.integer({ min: 0, max: 10_000_000 })),
);

function perform(one: OneApic, [kind, ...rest]: Step): void {
  const [a = 0, b = 0] = rest;
  if (kind === "page") one.apic.write(Number(a), BigInt(b), 4);
  else if (kind === "msr") one.apic.wrmsr(Number(a), BigInt(b));
  else if (kind === "message")
    one.apic.accept({ vector: Number(a), deliveryMode: Number(b), level: "asserted", trigger: "edge" });
  else if (kind === "time") one.host.spend(BigInt(a));
  else {
    one.apic.acceptEvents();
    one.apic.injectPendingTimer();
    one.apic.acknowledge();
  }
}

/** The same APIC on a host of its own, from JSON. */
function copy(one: OneApic): { readonly apic: LocalApic; readonly host: FakeHost } {
  const host = new FakeHost();
  host.now = one.host.now;
  const state = JSON.parse(JSON.stringify(one.apic.state())) as LocalApicState;
  const apic = LocalApic.fromState(state, { ...one.options, clock: host, createTimer: host.createTimer });
  return { apic, host };
}

describe("after every sequence of doings", () => {
  it.each(["kvm", "sdm"] as const)(
    "a copy from JSON is the same, and has the same timer armed (%s)",
    (rule) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          const behaviours = {
            errorStatus: rule,
            lowVectors: rule,
            maskedTimer: rule,
            timerModeChange: rule,
            globalDisable: rule,
          };
          const one = new OneApic({ behaviours });
          for (const each of steps) perform(one, each);
          const { apic, host } = copy(one);
          expect(apic.state()).toEqual(one.apic.state());
          expect(apic.toPage()).toEqual(one.apic.toPage());
          expect(host.timers.map(({ armed }) => armed)).toEqual([one.timer.armed]);
          if (one.timer.armed) expect(host.timers[0]?.expiresNs).toBe(one.timer.expiresNs);
        }),
      );
    },
  );
});

describe("a state that is no APIC's", () => {
  const one = new OneApic();
  const state = one.apic.state();
  const flawed = (flaw: object) => () => LocalApic.fromState({ ...state, ...flaw }, one.options);

  it.each<[string, () => unknown]>([
    ["LocalApic.fromState: expected id to be one of 0, got 1", flawed({ id: 1 })],
    [
      "LocalApic.fromState: expected apicBase to be an unsigned 64-bit value, got -1",
      flawed({ apicBase: "-1" }),
    ],
    ["LocalApic.fromState: expected 256 registers, got 1", flawed({ registers: [0] })],
    ["LocalApic.fromState: expected register", flawed({ registers: Array<number>(256).fill(-1) })],
    ["LocalApic.fromState: expected runState", flawed({ runState: "halted" })],
    ["LocalApic.fromState: expected pendingInit", flawed({ pendingInit: "yes" })],
    ["LocalApic.fromState: expected pendingSipi in -1 … 255, got 256", flawed({ pendingSipi: 256 })],
    ["LocalApic.fromState: expected arbitrationPriority", flawed({ arbitrationPriority: 2 ** 31 })],
    ["LocalApic.fromState: expected lint[0]", flawed({ lint: ["up", "asserted"] })],
    ["LocalApic.fromState: expected lint[1]", flawed({ lint: ["asserted", "up"] })],
    ["LocalApic.fromState: expected errors in 0 … 255, got 256", flawed({ errors: 256 })],
    ["LocalApic.fromState: expected pageMoved", flawed({ pageMoved: "twice" })],
    ["VectorSet.load: expected 8 words, got 0", flawed({ posted: [] })],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });
});

describe("options", () => {
  const { options } = new OneApic();
  const config = (flaw: object) => () => new LocalApic({ ...options, config: flaw });

  it.each<[string, () => unknown]>([
    ["LocalApic: expected id", () => new LocalApic({ ...options, id: -1 })],
    ["LocalApic: expected bootProcessor", config({ bootProcessor: "yes" })],
    ["LocalApic: expected x2apicSupported", config({ x2apicSupported: 1 })],
    ["LocalApic: expected tscDeadlineSupported", config({ tscDeadlineSupported: 1 })],
    ["LocalApic: expected cmciSupported", config({ cmciSupported: 1 })],
    ["LocalApic: expected ioapic to be one of kernel, split, got userspace", config({ ioapic: "userspace" })],
    ["LocalApic: expected physicalAddressBits in 36 … 52, got 32", config({ physicalAddressBits: 32 })],
    ["LocalApic: expected lint0Reenabled", config({ lint0Reenabled: true })],
    ["LocalApic: expected mmioHole", config({ mmioHole: true })],
    ["LocalApic: expected idFormat", config({ idFormat: "16-bit" })],
    ["LocalApic: expected vendor", config({ vendor: "via" })],
  ])("%s", (message, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(message);
  });

  it("without a TSC the guest's is the host's, at 1 GHz", () => {
    const host = { now: 5n };
    const fake = new FakeHost({ khz: 1_000_000 });
    fake.now = host.now;
    const apic = new LocalApic({ id: 0, clock: fake, createTimer: fake.createTimer });
    apic.write(0x320, 0x4_00ecn, 4);
    apic.wrmsr(0x6e0, 1005n);
    expect(fake.timers[0]?.expiresNs).toBe(1005n);
  });
});
