import { describe, expect, it } from "vitest";
import { OneApic } from "../../test/one-apic.js";

const INIT = 5;
const SIPI = 6;

/** An APIC to which these messages came, in order; `-` is a pass of the run loop. */
function after(config: { readonly bootProcessor: boolean }, messages: string): OneApic {
  const one = new OneApic({ id: 1, config });
  for (const message of messages.split(" ")) {
    if (message === "-") one.apic.acceptEvents();
    else {
      const deliveryMode = message === "init" ? INIT : SIPI;
      const vector = message === "init" ? 0 : Number(message);
      one.apic.accept({ vector, deliveryMode, level: "asserted", trigger: "edge" });
    }
  }
  return one;
}

describe("INIT and SIPI", () => {
  it.each([
    ["init - 8 -", false, ["init", "start 8"], "runnable"],
    ["init 8 -", false, ["init", "start 8"], "runnable"],
    ["8 -", false, [], "uninitialized"],
    ["8 init -", false, ["init"], "init-received"],
    ["init - 8 9 -", false, ["init", "start 9"], "runnable"],
    ["init - 8 - 9 -", false, ["init", "start 8"], "runnable"],
    ["init - 8 - init -", false, ["init", "start 8", "init"], "init-received"],
    ["init init -", false, ["init"], "init-received"],
    ["init - 8 -", true, ["init"], "runnable"],
  ])("%s (boot processor %s): %j, %s", (messages, bootProcessor, seen, runState) => {
    const one = after({ bootProcessor }, messages);
    expect([one.vcpu.seen, one.apic.runState, one.apic.hasPendingEvents]).toEqual([seen, runState, false]);
  });

  it("wait for the run loop", () => {
    const one = after({ bootProcessor: false }, "init");
    expect([one.apic.hasPendingEvents, one.vcpu.seen, one.read(0xf0)]).toEqual([true, [], 0x1ff]);
    one.apic.acceptEvents();
    expect([one.apic.hasPendingEvents, one.read(0xf0)]).toEqual([false, 0xff]);
  });

  it("INIT waits while the processor blocks it, SIPI is lost", () => {
    const one = after({ bootProcessor: false }, "init 8");
    one.vcpu.startUpBlocked = true;
    one.apic.acceptEvents();
    expect([one.vcpu.seen, one.apic.hasPendingEvents]).toEqual([[], true]);
    one.vcpu.startUpBlocked = false;
    one.apic.acceptEvents();
    expect([one.vcpu.seen, one.apic.runState]).toEqual([["init"], "init-received"]);
  });
});
