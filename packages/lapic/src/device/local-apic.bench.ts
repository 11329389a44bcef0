import { bench, describe } from "vitest";
import type { FakeTimer } from "../../test/fake-host.js";
import { NanosecondHost } from "../../test/nanosecond-host.js";
import { InterruptState, LocalApic } from "../index.js";

/** What is measured, per iteration. */
const TIMES = 1000;

const IA32_APICBASE = 0x1b;
const SVR = 0xf0;
const EOI = 0xb0;
const LVTT = 0x320;
const TMICT = 0x380;
const TMCCT = 0x390;
const TDCR = 0x3e0;
const LVTT_PERIODIC = 1 << 17;
const PERIOD_NS = 1_000_000n;

type Mode = "xapic" | "x2apic";
const MODES: readonly Mode[] = ["xapic", "x2apic"];

/** A local APIC that nobody watches, its guest's accesses, and its timer, with a period of 1 ms. */
class MeasuredApic {
  readonly host = new NanosecondHost();
  readonly apic = new LocalApic({ id: 0, clock: this.host, createTimer: this.host.createTimer });
  readonly timer: FakeTimer;
  readonly #mode: Mode;

  constructor(mode: Mode, lvtt: number) {
    this.#mode = mode;
    if (mode === "x2apic") this.apic.wrmsr(IA32_APICBASE, this.apic.apicBase | 0x400n);
    const [timer] = this.host.timers;
    if (timer === undefined) throw new Error("no timer was created");
    this.timer = timer;
    this.write(SVR, 0x1ffn);
    this.write(TDCR, 0xbn);
    this.write(LVTT, BigInt(lvtt | 0xec));
    this.write(TMICT, PERIOD_NS);
  }

  read(offset: number): bigint | undefined {
    return this.#mode === "x2apic" ? this.apic.rdmsr(0x800 + offset / 16) : this.apic.read(offset, 4);
  }
  write(offset: number, value: bigint): void {
    if (this.#mode === "x2apic") this.apic.wrmsr(0x800 + offset / 16, value);
    else this.apic.write(offset, value, 4);
  }
  /** The timer expires, and its interrupt is injected, taken and ended. */
  tick(): void {
    this.host.now += PERIOD_NS;
    this.timer.fire();
    this.apic.injectPendingTimer();
    this.apic.acknowledge();
    this.write(EOI, 0n);
  }
}

describe(`${TIMES} interrupts`, () => {
  const bare = new InterruptState();
  bench("IRR, ISR and EOI of an InterruptState, for scale", () => {
    for (let i = 0; i < TIMES; i++) {
      bare.accept(0x41, "edge");
      bare.ack(bare.deliverable());
      bare.eoi();
    }
  });

  const interrupt = { vector: 0x41, deliveryMode: 0, level: "asserted", trigger: "edge" } as const;
  for (const mode of MODES) {
    const one = new MeasuredApic(mode, 0);
    bench(`accepted, taken, ended by a guest's write: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) {
        one.apic.accept(interrupt);
        one.apic.acknowledge();
        one.write(EOI, 0n);
      }
    });
  }
});

describe(`${TIMES} ticks`, () => {
  for (const mode of MODES) {
    const periodic = new MeasuredApic(mode, LVTT_PERIODIC);
    bench(`periodic: callback, injection, taken, ended: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) periodic.tick();
    });
    const oneShot = new MeasuredApic(mode, 0);
    bench(`one-shot: TMICT written, callback, injection, taken, ended: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) {
        oneShot.write(TMICT, PERIOD_NS);
        oneShot.tick();
      }
    });
  }
});

describe(`${TIMES} accesses`, () => {
  for (const mode of MODES) {
    const one = new MeasuredApic(mode, 0);
    bench(`read of SVR: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) one.read(SVR);
    });
    bench(`read of a running count: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) one.read(TMCCT);
    });
  }
});

describe("a page", () => {
  const { apic } = new MeasuredApic("xapic", 0);
  const saved = apic.toPage();
  bench("saved", () => {
    apic.toPage();
  });
  bench("restored", () => {
    apic.fromPage(saved);
  });
});
