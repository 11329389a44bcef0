import { describe, expect, it } from "vitest";
import { connect, FakeApic, flatApic, message, positions, reached, x2apic } from "../../test/fake-apic.js";
import { ApicBus, type ApicBusOptions, type ApicMessage } from "../index.js";

const LOWEST = 1;
const NMI = 4;
describe("the answer to a message", () => {
  it.each([
    ["an ID nobody has", 0x3000, 0x41, 0],
    ["a logical destination nobody is in", 0xf_c004, 0x41, 0],
    ["a broadcast to two of which one discards", 0xf_f000, 0x41, 1],
    ["an ID whose owner discards", 0x1000, 0x41, 0],
    ["an ID whose owner accepts", 0x0000, 0x41, 1],
  ])("for %s", (_, address, data, deliveries) => {
    const { bus, apics } = connect([flatApic(0, 1), flatApic(1, 2)] as const);
    apics[1].answer = "discarded";
    expect(bus.msi(0xfee0_0000 + address, data)).toBe(deliveries);
  });

  it("is -1 where every APIC was asked in vain", () => {
    const { bus } = connect([new FakeApic({ id: 0, mode: "disabled" })]);
    expect(bus.msi(0xfeef_f000, 0x41)).toBe(-1);
    expect(bus.msi(0xfee0_0000, 0x41)).toBe(0);
    expect(new ApicBus({ lookup: "scan" }).msi(0xfee0_0000, 0x41)).toBe(-1);
  });

  it("is -22 for a high address that 32-bit IDs refuse", () => {
    const { bus, apics } = connect([x2apic(0)] as const, { idFormat: "32-bit" });
    expect([bus.msi(0xfee0_0000, 0x41, 1), apics[0].received.length]).toEqual([-22, 0]);
    expect(bus.msi(0xfee0_0000, 0x41, 0x100)).toBe(0);
    expect(bus.msi(0xfee0_0000, 0x41, 0)).toBe(1);
  });
});

describe("the redirection hint", () => {
  it("selects one target whatever the delivery mode", () => {
    const { bus, apics } = connect([flatApic(0, 1), flatApic(1, 2)] as const);
    expect(bus.msi(0xfee0_300c, 0x0400)).toBe(1);
    expect(reached(apics)).toEqual([0]);
    expect(apics[0].received).toMatchObject([{ deliveryMode: NMI }]);
  });

  it("turns a physical broadcast of any mode into a fixed interrupt", () => {
    const { bus, apics } = connect([x2apic(0)] as const);
    expect(bus.msi(0xfeef_f008, 0x0441)).toBe(1);
    expect(apics[0].received).toEqual([
      { vector: 0x41, deliveryMode: 0, level: "asserted", trigger: "edge" },
    ]);
  });

  it("finds no software-disabled target of a broadcast: -1", () => {
    const { bus, apics } = connect([x2apic(0, { swEnabled: false })] as const);
    expect([bus.msi(0xfeef_f008, 0x0441), apics[0].received.length]).toEqual([-1, 0]);
    expect([bus.msi(0xfeef_f000, 0x0441), apics[0].received.length]).toEqual([1, 1]);
  });
});

describe("the redirection hint to one physical ID", () => {
  it("changes nothing: there is nothing to select from, so an NMI reaches a software-disabled owner", () => {
    const { bus, apics } = connect([x2apic(0, { swEnabled: false })] as const);
    expect(bus.msi(0xfee0_0008, 0x0441)).toBe(1);
    expect(apics[0].received).toMatchObject([{ deliveryMode: NMI }]);
  });
});

describe("lowest priority", () => {
  const four = () => [flatApic(0, 1), flatApic(1, 2), flatApic(2, 4), flatApic(3, 8)] as const;

  it("goes where the vector picks among the bits of the destination", () => {
    const { bus, apics } = connect(four());
    for (const vector of [0x40, 0x41, 0x42, 0x43]) bus.msi(0xfee0_f004, 0x0100 | vector);
    expect(apics.map(({ received }) => received.map(({ vector }) => vector))).toEqual([
      [0x40],
      [0x41],
      [0x42],
      [0x43],
    ]);
  });

  it("is dropped where the vector picks a bit nobody has", () => {
    const { bus, apics } = connect(four());
    expect(bus.msi(0xfee1_f004, 0x0104)).toBe(0);
    expect(reached(apics)).toEqual([]);
    const scan = connect(four(), { lookup: "scan" });
    expect(scan.bus.msi(0xfee1_f004, 0x0104)).toBe(1);
    expect(reached(scan.apics)).toEqual([0]);
  });

  it("without hashing goes to the smallest counter, the first of equals", () => {
    const { bus, apics } = connect(four(), { vectorHashing: "off" });
    apics[0].arbitrationPriority = 2;
    apics[1].arbitrationPriority = 1;
    apics[2].arbitrationPriority = 1;
    apics[3].arbitrationPriority = 5;
    expect(bus.msi(0xfee0_f004, 0x0104)).toBe(1);
    expect(bus.msi(0xfee1_9004, 0x0104)).toBe(1);
    expect(reached(apics)).toEqual([0, 1]);
    expect(bus.msi(0xfeef_f004, 0x0104)).toBe(1);
    expect(apics[1].received.length).toBe(2);
  });

  it("as a physical broadcast is fixed and reaches all, software-disabled or not", () => {
    const apics = [0, 1, 2].map((id) => new FakeApic({ id, swEnabled: id !== 2 }));
    const { bus } = connect(apics);
    bus.send(message({ deliveryMode: LOWEST, destination: 0xff }), apics[0]);
    expect(apics.map(({ received }) => received.map(({ deliveryMode }) => deliveryMode))).toEqual([
      [0],
      [0],
      [0],
    ]);
  });

  it("as a physical broadcast with the redirection hint is fixed, and goes to one", () => {
    const { bus, apics } = connect(four());
    expect(bus.msi(0xfeef_f008, 0x0141)).toBe(1);
    expect(apics.flatMap(({ received }) => received)).toMatchObject([{ deliveryMode: 0 }]);
  });

  it("with a shorthand goes to one of those it names that are software enabled", () => {
    const apics = [0, 1, 2].map((id) => new FakeApic({ id, swEnabled: id !== 2 }));
    const { bus } = connect(apics);
    for (const vector of [0x40, 0x41])
      bus.send(message({ deliveryMode: LOWEST, shorthand: "all-but-self", vector }), apics[0]);
    expect(apics.map(({ received }) => received.length)).toEqual([0, 2, 0]);
  });
});

describe("where the map and a scan differ", () => {
  const answers = (apics: () => readonly FakeApic[], sent: ApicMessage, options: ApicBusOptions = {}) =>
    (["map", "scan"] as const).map((lookup) => {
      const { bus, apics: connected } = connect(apics(), { ...options, lookup });
      bus.send(sent, sent.source === "ipi" ? connected[0] : undefined);
      return reached(connected);
    });

  it("32-bit IDs: of two with one xAPIC ID the first gets the message", () => {
    const twins = () => [
      new FakeApic({ id: 0 }),
      new FakeApic({ id: 1, xapicId: 9 }),
      new FakeApic({ id: 2, xapicId: 9 }),
    ];
    expect(answers(twins, message({ destination: 9 }), { idFormat: "32-bit" })).toEqual([[1], [1, 2]]);
    expect(answers(twins, message({ destination: 9 }))).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  it("logical destinations pass by xAPICs that are software disabled", () => {
    const apics = () => [flatApic(0, 1), new FakeApic({ id: 1, ldr: 0x0200_0000, swEnabled: false })];
    const nmi = message({ deliveryMode: NMI, destination: 2, destinationMode: "logical" });
    expect(answers(apics, nmi)).toEqual([[], [1]]);
  });

  it("an x2APIC's 0xff is an ID, which xAPICs among them would take for a broadcast", () => {
    const mixed = () => [x2apic(0), new FakeApic({ id: 1 })];
    expect(answers(mixed, message({ destination: 0xff }))).toEqual([[], [1]]);
  });

  it("8-bit IDs: an xAPIC above 255 is found by its truncated ID alone", () => {
    const mixed = () => [x2apic(0), new FakeApic({ id: 0x107 })];
    expect(answers(mixed, message({ destination: 0x107 }))).toEqual([[], [0x107]]);
    expect(answers(mixed, message({ destination: 0x107 }), { idFormat: "32-bit" })).toEqual([
      [0x107],
      [0x107],
    ]);
    expect(answers(mixed, message({ destination: 7 }))).toEqual([[0x107], [0x107]]);
  });

  it("a device's 0xffffffff is an ID while the broadcast quirk makes 0xff its broadcast", () => {
    const two = () => [x2apic(0), x2apic(1)];
    const everyone = message({ source: "msi", destination: 0xffff_ffff });
    expect(answers(two, everyone)).toEqual([[], [0, 1]]);
    expect(answers(two, everyone, { broadcastQuirk: "off" })).toEqual([
      [0, 1],
      [0, 1],
    ]);
  });

  it("a DFR of neither model counts as cluster in the map", () => {
    const odd = () => [new FakeApic({ id: 0, ldr: 0x1200_0000, dfr: 0x3fff_ffff })];
    expect(answers(odd, message({ destination: 0x12, destinationMode: "logical" }))).toEqual([[0], []]);
  });
});

describe("delivery", () => {
  it("reaches all but the sender of 300, in the order of the vCPUs", () => {
    const { bus, apics } = connect(Array.from({ length: 300 }, (_, id) => x2apic(id)));
    expect(bus.send(message({ shorthand: "all-but-self" }), apics[150])).toBe(299);
    expect(positions(apics)).toEqual(Array.from({ length: 300 }, (_, id) => id).filter((id) => id !== 150));
    expect(bus.nodes).toEqual(apics);
  });

  it("finds targets before the first accepts, so that none is moved by what another does", () => {
    const second = flatApic(1, 2);
    const meddler = flatApic(0, 1);
    const bus = new ApicBus();
    bus.connect({
      identity: meddler.identity,
      arbitrationPriority: 0,
      accept(interrupt) {
        Object.assign(second.identity, { ldr: 0 });
        return meddler.accept(interrupt);
      },
    });
    bus.connect(second);
    expect(bus.msi(0xfee0_3004, 0x41)).toBe(2);
    expect(bus.msi(0xfee0_3004, 0x41)).toBe(1);
  });

  it("reads identities anew at each message", () => {
    const apic = flatApic(0, 1);
    const { bus } = connect([apic]);
    expect(bus.msi(0xfee0_5000, 0x41)).toBe(0);
    Object.assign(apic.identity, { xapicId: 5 });
    expect(bus.msi(0xfee0_5000, 0x41)).toBe(1);
    expect(bus.apicvInhibits()).toEqual(["APIC_ID_MODIFIED"]);
  });
});

describe("arguments", () => {
  const { bus, apics } = connect([flatApic(0, 1)] as const);
  const send = (rest: Partial<ApicMessage>) => () => bus.send(message(rest), apics[0]);
  it.each<[string, () => unknown]>([
    ["ApicBus: expected vectorHashing", () => new ApicBus({ vectorHashing: "x" as "on" })],
    ["ApicBus: expected broadcastQuirk", () => new ApicBus({ broadcastQuirk: "x" as "on" })],
    ["ApicBus: expected idFormat", () => new ApicBus({ idFormat: "x" as "8-bit" })],
    ["ApicBus: expected lookup", () => new ApicBus({ lookup: "x" as "map" })],
    ["ApicBus.connect: expected an APIC ID that no other APIC has, got 0", () => bus.connect(flatApic(0, 2))],
    ["ApicBus.send: expected vector in", send({ vector: 256 })],
    ["ApicBus.send: expected deliveryMode in", send({ deliveryMode: 8 })],
    ["ApicBus.send: expected level", send({ level: "x" as "asserted" })],
    ["ApicBus.send: expected trigger", send({ trigger: "x" as "edge" })],
    ["ApicBus.send: expected destinationMode", send({ destinationMode: "x" as "logical" })],
    ["ApicBus.send: expected destination in", send({ destination: -1 })],
    ["ApicBus.send: expected shorthand", send({ shorthand: "x" as "all" })],
    ["ApicBus.send: expected source", send({ source: "x" as "ipi" })],
    ["ApicBus.send: expected redirectionHint", send({ redirectionHint: "x" as "none" })],
    ["ApicBus.send: expected the sender of an ipi, got undefined", () => bus.send(message())],
    ["ApicBus.send: expected no sender of a message from msi, got one", send({ source: "msi" })],
    ["ApicBus.send: expected a connected sender", () => bus.send(message(), flatApic(1, 2))],
    ["msiMessage: expected addressLow", () => bus.msi(-1, 0)],
  ])("%s", (text, call) => {
    expect(call).toThrow(RangeError);
    expect(call).toThrow(text);
  });
});
