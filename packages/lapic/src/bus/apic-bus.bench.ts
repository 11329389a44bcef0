import { bench, describe } from "vitest";
import {
  ApicBus,
  type ApicBusNode,
  type ApicMessage,
  DELIVERY_MODE_FIXED,
  x2apicIcrWrite,
  x2apicLdr,
} from "../index.js";

/*
 * What the bus costs an IPI between x2APICs that accept at once. "scan" asks every APIC; the map is made once, and
 * compared with the APICs at every message.
 */

const PER_ITERATION = 100;

function node(id: number): ApicBusNode {
  return {
    identity: {
      mode: "x2apic",
      id,
      xapicId: 0,
      ldr: x2apicLdr(id),
      dfr: 0xffff_ffff,
      swEnabled: true,
    },
    arbitrationPriority: 0,
    accept: () => "accepted",
  };
}

const decoded = x2apicIcrWrite((1n << 32n) | 0x41n)?.message;
const toOne: ApicMessage = {
  vector: 0x41,
  deliveryMode: DELIVERY_MODE_FIXED,
  destinationMode: "physical",
  destination: 1,
  shorthand: "none",
  level: "asserted",
  trigger: "edge",
  source: "ipi",
  ...decoded,
};
const toAll: ApicMessage = { ...toOne, shorthand: "all-but-self" };

describe.each([2, 16, 300])("%i APICs", (count) => {
  for (const lookup of ["map", "scan"] as const) {
    const bus = new ApicBus({ lookup });
    const nodes = Array.from({ length: count }, (_, id) => node(id));
    for (const each of nodes) bus.connect(each);
    const [sender] = nodes;
    bench(`to one, by ${lookup}`, () => {
      for (let i = 0; i < PER_ITERATION; i++) bus.send(toOne, sender);
    });
    if (lookup === "map") {
      bench("to all others", () => {
        for (let i = 0; i < PER_ITERATION; i++) bus.send(toAll, sender);
      });
    }
  }
});
