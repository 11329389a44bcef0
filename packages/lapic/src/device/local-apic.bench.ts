import { bench, describe } from "vitest";
import { OneApic } from "../../test/one-apic.js";
import { InterruptState } from "../index.js";

/** What is measured, per iteration. */
const TIMES = 1000;

const SVR = 0xf0;
const EOI = 0xb0;
const LVTT = 0x320;
const TMICT = 0x380;
const TMCCT = 0x390;

describe(`${TIMES} interrupts`, () => {
  const bare = new InterruptState();
  bench("IRR, ISR and EOI of an InterruptState, for scale", () => {
    for (let i = 0; i < TIMES; i++) {
      bare.accept(0x41, "edge");
      bare.ack(bare.deliverable());
      bare.eoi();
    }
  });

  for (const mode of ["xapic", "x2apic"] as const) {
    const one = new OneApic({ mode });
    bench(`accepted, taken, ended by a guest's write: ${mode}`, () => {
      for (let i = 0; i < TIMES; i++) {
        one.request(0x41);
        one.apic.acknowledge();
        one.write(EOI, 0);
      }
    });
  }
});

describe(`${TIMES} ticks`, () => {
  const one = new OneApic();
  one.write(LVTT, 0x2_00ec);
  one.write(TMICT, 500_000);
  bench("periodic: callback, injection, taken, ended", () => {
    for (let i = 0; i < TIMES; i++) {
      one.host.spend(1_000_000n);
      one.timer.fire();
      one.apic.injectPendingTimer();
      one.apic.acknowledge();
      one.write(EOI, 0);
    }
  });
});

describe(`${TIMES} accesses`, () => {
  const page = new OneApic();
  const msr = new OneApic({ mode: "x2apic" });
  page.write(TMICT, 4_000_000_000);
  bench("read of SVR by page", () => {
    for (let i = 0; i < TIMES; i++) page.apic.read(SVR, 4);
  });
  bench("read of SVR by MSR", () => {
    for (let i = 0; i < TIMES; i++) msr.apic.rdmsr(0x80f);
  });
  bench("read of a running count by page", () => {
    for (let i = 0; i < TIMES; i++) page.apic.read(TMCCT, 4);
  });
});

describe("a page", () => {
  const one = new OneApic();
  const saved = one.apic.toPage();
  bench("saved", () => {
    one.apic.toPage();
  });
  bench("restored", () => {
    one.apic.fromPage(saved);
  });
});
