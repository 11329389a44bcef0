import {
  APIC_EOI,
  APIC_ICR,
  APIC_ICR2,
  APIC_LVTT,
  APIC_SPIV,
  APIC_TDCR,
  APIC_TMICT,
  ApicBus,
  DELIVERY_MODE_FIXED,
  DELIVERY_MODE_INIT,
  DELIVERY_MODE_SIPI,
  type DestinationShorthand,
  encodeIcr,
  encodeIcr2,
  LVTT_PERIODIC,
} from "@chronovisor/lapic";
import { Cpu, HLT, type Program } from "./cpu.js";

const ENABLED = 0x1ff;
const DIVIDE_BY_1 = 0xb;
/** Bus cycles of 1 ns. */
const TICK_PERIOD = 10_000_000;
const TICKS = 5;

const TICK = 0x40;
const PING = 0x50;
const READY = 0x60;
/** 4 KiB pages. */
const START_PAGE = 8;

/**
 * A machine of two processors: the first starts the second by INIT and SIPI, waits until it is ready, lets its timer tick
 * five times, and passes every tick on as an interrupt.
 *
 * @param say - is told what happens, a line at a time.
 */
export function runTwoCpus(say: (line: string) => void): void {
  function* boot(cpu: Cpu): Program {
    cpu.write(APIC_SPIV, ENABLED);
    say("cpu 0: starts cpu 1");
    send(cpu, DELIVERY_MODE_INIT, 0);
    send(cpu, DELIVERY_MODE_SIPI, START_PAGE);
    say(`cpu 0: got 0x${(yield HLT).toString(16)}`);
    cpu.write(APIC_EOI, 0);
    cpu.write(APIC_TDCR, DIVIDE_BY_1);
    cpu.write(APIC_LVTT, LVTT_PERIODIC | TICK);
    cpu.write(APIC_TMICT, TICK_PERIOD);
    for (let tick = 1; tick <= TICKS; tick++) {
      yield HLT;
      say(`cpu 0: tick ${tick}`);
      send(cpu, DELIVERY_MODE_FIXED, PING, "all-but-self");
      cpu.write(APIC_EOI, 0);
    }
    cpu.write(APIC_TMICT, 0);
    say("cpu 0: stops the timer");
  }

  function* application(cpu: Cpu, address: number): Program {
    say(`cpu 1: runs at 0x${address.toString(16)}`);
    cpu.write(APIC_SPIV, ENABLED);
    send(cpu, DELIVERY_MODE_FIXED, READY);
    for (let ping = 1; ping <= TICKS; ping++) {
      const vector = yield HLT;
      say(`cpu 1: got 0x${vector.toString(16)}, ${ping} of ${TICKS}`);
      cpu.write(APIC_EOI, 0);
    }
  }

  const bus = new ApicBus();
  const first = new Cpu(0, bus, boot);
  new Cpu(1, bus, application);
  first.start(boot, 0);
}

/** Sends to the other processor, or by shorthand. */
function send(
  cpu: Cpu,
  deliveryMode: number,
  vector: number,
  shorthand: DestinationShorthand = "none",
): void {
  const destination = 1 - cpu.apic.id;
  cpu.write(APIC_ICR2, encodeIcr2(destination));
  const fields = { vector, deliveryMode, destination, shorthand } as const;
  cpu.write(
    APIC_ICR,
    encodeIcr({ ...fields, destinationMode: "physical", level: "asserted", trigger: "edge" }),
  );
}
