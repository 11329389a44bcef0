import { guestTsc } from "@chronovisor/clocksource";
import { describe, expect, it } from "vitest";
import * as pvclock from "./index.js";

/** What a member or parameter takes; each kind names values it must refuse. */
const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  u64: [-1n, 2n ** 64n, 1, "1", undefined],
  s64: [-(2n ** 63n) - 1n, 2n ** 63n, 1, null],
  u32: [-1, 2 ** 32, 1.5, Number.NaN, 1n, "1"],
  u8: [-1, 256, 0.5, 1n],
  s8: [-129, 128, 0.5, "1"],
  shift: [-64, 64, 0.5, 1n],
  pageShift: [-33, 32],
  bool: [0, "true", null],
  object: [1, null, "x"],
  text: [1, null, new Uint8Array(32)],
  rdtsc: [1, null, {}],
  view12: [new Uint8Array(11), [0], null, new ArrayBuffer(12)],
  view24: [new Uint8Array(23), [0], undefined],
  view32: [new Uint8Array(31), [0], undefined, new ArrayBuffer(32)],
  view64: [new Uint8Array(63), "x"],
  out: [new BigInt64Array(2), [0n], undefined],
  input: [new BigInt64Array(2), [0n], new BigUint64Array(3)],
  choice: ["other", 7],
  slot: [-1, 2, 0.5, undefined],
};

type Fields = Readonly<Record<string, string>>;

/** One call: its arguments, and which of them, or of their members, takes what. */
type Call = readonly [
  run: (args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  kinds: readonly (string | Fields | undefined)[],
];

const INFO = { version: 2, tscTimestamp: 0n, systemTime: 0n, tscToSystemMul: 1, tscShift: 0, flags: 1 };
const POINT: Fields = { tscTimestamp: "u64", systemTime: "u64", tscToSystemMul: "u32" };
const REFERENCE: Fields = { ...POINT, tscShift: "shift" };
const TIME_INFO: Fields = { ...POINT, version: "u32", tscShift: "s8", flags: "u8" };
const UPDATE: Fields = { ...POINT, tscShift: "s8", flags: "u8" };
const WRITE_OPTIONS: Fields = { guestStopped: "bool", hideTscStable: "bool" };
const PAGE: Fields = { scale: "u64", offset: "s64" };
const FEATURES = { eax: 0, enforced: false };
const MSR = 0x4b564d01;
const rdtsc = () => guestTsc(0n);

const EXPORTS: ReadonlyMap<string, unknown> = new Map(Object.entries(pvclock));
const exported = (name: keyof typeof pvclock) => (args: readonly unknown[]) => {
  const fn = EXPORTS.get(name);
  if (typeof fn !== "function") throw new Error(`${name} is no function`);
  return fn(...args);
};
const guest = () => new pvclock.GuestPvclock();
const hyperv = () => new pvclock.ReferenceTscClock({ map: () => undefined });
const formula = () => new pvclock.PvclockFormula(INFO);
const STATE = { tscTimestamp: "0", systemTime: "0", tscToSystemMul: 1, tscShift: 0 };

/** Calls a method with arguments of any type. */
const method = (make: () => object, name: string) => (args: readonly unknown[]) => {
  const receiver = make();
  const fn: unknown = Reflect.get(receiver, name);
  if (typeof fn !== "function") throw new Error(`${name} is no method`);
  return fn.apply(receiver, args);
};

const area = () => new Uint8Array(32);
const slots = () => new BigUint64Array(2);

const CALLS: Readonly<Record<string, Call>> = {
  encodeVcpuTimeInfo: [exported("encodeVcpuTimeInfo"), [INFO], [TIME_INFO]],
  decodeVcpuTimeInfo: [exported("decodeVcpuTimeInfo"), [area()], ["view32"]],
  parseVcpuTimeInfo: [exported("parseVcpuTimeInfo"), ["00".repeat(32)], ["text"]],
  writeVcpuTimeInfo: [exported("writeVcpuTimeInfo"), [area(), INFO, {}], ["view32", UPDATE, WRITE_OPTIONS]],
  writeVcpuTimeInfoSteps: [
    exported("writeVcpuTimeInfoSteps"),
    [area(), INFO, {}],
    ["view32", UPDATE, WRITE_OPTIONS],
  ],
  xenTscCpuid: [exported("xenTscCpuid"), [{ mul: 1, shift: 0 }, 0n], [{ mul: "u32", shift: "s8" }, "u64"]],
  retractTscStable: [exported("retractTscStable"), [area()], ["view32"]],
  encodeWallClock: [
    exported("encodeWallClock"),
    [{ version: 0, sec: 0, nsec: 0 }],
    [{ version: "u32", sec: "u32", nsec: "u32" }],
  ],
  decodeWallClock: [exported("decodeWallClock"), [area()], ["view12"]],
  writeWallClock: [exported("writeWallClock"), [area(), 0n], ["view12", "u64"]],
  writeWallClockSteps: [exported("writeWallClockSteps"), [area(), 0n], ["view12", "u64"]],
  encodeStealTime: [
    exported("encodeStealTime"),
    [{ steal: 0n, version: 0, flags: 0, preempted: 0 }],
    [{ steal: "u64", version: "u32", flags: "u32", preempted: "u8" }],
  ],
  decodeStealTime: [exported("decodeStealTime"), [new Uint8Array(64)], ["view64"]],
  recordStealTime: [exported("recordStealTime"), [new Uint8Array(64), 0n], ["view64", "u64"]],
  recordStealTimeSteps: [exported("recordStealTimeSteps"), [new Uint8Array(64), 0n], ["view64", "u64"]],
  writePvMsr: [exported("writePvMsr"), [FEATURES, MSR, 0n], [{ eax: "u32", enforced: "bool" }, "u32", "u64"]],
  isPvMsrReadable: [exported("isPvMsrReadable"), [FEATURES, MSR], [{ eax: "u32", enforced: "bool" }, "u32"]],
  referenceTscParameters: [
    exported("referenceTscParameters"),
    [INFO],
    [{ ...TIME_INFO, tscShift: "pageShift" }],
  ],
  encodeReferenceTscPage: [
    exported("encodeReferenceTscPage"),
    [{ sequence: 0, scale: 0n, offset: 0n }],
    [{ ...PAGE, sequence: "u32" }],
  ],
  decodeReferenceTscPage: [exported("decodeReferenceTscPage"), [area()], ["view24"]],
  writeReferenceTscPage: [
    exported("writeReferenceTscPage"),
    [area(), { scale: 0n, offset: 0n }],
    ["view24", PAGE],
  ],
  writeReferenceTscPageSteps: [
    exported("writeReferenceTscPageSteps"),
    [area(), { scale: 0n, offset: 0n }],
    ["view24", PAGE],
  ],
  readReferenceTsc: [exported("readReferenceTsc"), [area(), rdtsc], ["view24", "rdtsc"]],
  readReferenceTscSteps: [exported("readReferenceTscSteps"), [area(), rdtsc], ["view24", "rdtsc"]],
  readCycles: [exported("readCycles"), [INFO, 0n], [REFERENCE, "u64"]],
  readVcpuTimeInfo: [exported("readVcpuTimeInfo"), [area(), rdtsc], ["view32", "rdtsc"]],
  readVcpuTimeInfoSteps: [exported("readVcpuTimeInfoSteps"), [area(), rdtsc], ["view32", "rdtsc"]],
  readWallClock: [exported("readWallClock"), [area()], ["view12"]],
  readWallClockSteps: [exported("readWallClockSteps"), [area()], ["view12"]],
  readStealTime: [exported("readStealTime"), [new Uint8Array(64)], ["view64"]],
  readStealTimeSteps: [exported("readStealTimeSteps"), [new Uint8Array(64)], ["view64"]],
  pvclockTscKhz: [exported("pvclockTscKhz"), [1, 0], ["u32", "shift"]],
  chooseKvmclock: [exported("chooseKvmclock"), [0], ["u32"]],
  kvmclockRating: [
    exported("kvmclockRating"),
    [{ constant: true, nonstop: true, unstable: true }],
    [{ constant: "bool", nonstop: "bool", unstable: "bool" }],
  ],
  GuestPvclock: [
    (args) => Reflect.construct(pvclock.GuestPvclock, args),
    [{ trustedFlags: 0, events: {} }],
    [{ trustedFlags: "u8", events: "object" }],
  ],
  "GuestPvclock.read": [method(guest, "read"), [area(), rdtsc], ["view32", "rdtsc"]],
  "GuestPvclock.readSteps": [method(guest, "readSteps"), [area(), rdtsc], ["view32", "rdtsc"]],
  "GuestPvclock.readTouchingWatchdogs": [
    method(guest, "readTouchingWatchdogs"),
    [area(), rdtsc],
    ["view32", "rdtsc"],
  ],
  "GuestPvclock.takeGuestStopped": [method(guest, "takeGuestStopped"), [area()], ["view32"]],
  "GuestPvclock.readVdso": [method(guest, "readVdso"), [area(), rdtsc], ["view32", "rdtsc"]],
  "GuestPvclock.readWallTime": [
    method(guest, "readWallTime"),
    [area(), area(), rdtsc],
    ["view12", "view32", "rdtsc"],
  ],
  PvclockFormula: [(args) => Reflect.construct(pvclock.PvclockFormula, args), [INFO], [REFERENCE]],
  "PvclockFormula.update": [method(formula, "update"), [INFO], [REFERENCE]],
  "PvclockFormula.readInto": [method(formula, "readInto"), [slots(), 0, 0n], ["out", "slot"]],
  "PvclockFormula.readBatch": [method(formula, "readBatch"), [slots(), slots()], ["out", "input"]],
  ReferenceTscClock: [(args) => Reflect.construct(pvclock.ReferenceTscClock, args), [{}], ["object"]],
  "ReferenceTscClock.writeMsr": [method(hyperv, "writeMsr"), [0n, "guest"], ["u64", "choice"]],
  "ReferenceTscClock.writeEmulationControl": [method(hyperv, "writeEmulationControl"), [0n], ["u64"]],
  "ReferenceTscClock.updateClock": [method(hyperv, "updateClock"), [INFO], [TIME_INFO]],
  "ReferenceTscClock.referenceTime": [method(hyperv, "referenceTime"), [0n, 0n], ["u64", "u64"]],
  "PvclockFormula.fromState": [
    (args) => method(() => pvclock.PvclockFormula, "fromState")(args),
    [STATE],
    [{ tscToSystemMul: "u32", tscShift: "shift" }],
  ],
};

const replaced = (args: readonly unknown[], index: number, value: unknown) =>
  args.map((arg, i) => (i === index ? value : arg));

/** Every wrong value with the place it goes to. */
function* wrongCalls([, args, kinds]: Call): Generator<readonly [place: string, args: readonly unknown[]]> {
  for (const [index, kind] of kinds.entries()) {
    if (kind === undefined) continue;
    if (typeof kind === "string") {
      for (const wrong of WRONG[kind] ?? []) yield [`argument ${index}`, replaced(args, index, wrong)];
      continue;
    }
    for (const wrong of [null, 1]) yield [`argument ${index}`, replaced(args, index, wrong)];
    for (const [field, fieldKind] of Object.entries(kind)) {
      for (const wrong of WRONG[fieldKind] ?? []) {
        yield [field, replaced(args, index, { ...(args[index] as object), [field]: wrong })];
      }
    }
  }
}

describe.each(Object.entries(CALLS))("%s", (name, call) => {
  const [run, args] = call;

  it("takes what it should", () => {
    expect(() => run(args)).not.toThrow();
  });

  it("refuses everything else, by its own name", () => {
    const accepted: string[] = [];
    const unnamed: string[] = [];
    for (const [place, wrong] of wrongCalls(call)) {
      try {
        run(wrong);
        accepted.push(place);
      } catch (error) {
        const isNamed = error instanceof RangeError || error instanceof TypeError;
        const who = isNamed ? error.message.split(":")[0] : String(error);
        if (who !== name) unnamed.push(`${place}: ${String(error)}`);
      }
    }
    expect({ accepted, unnamed }).toEqual({ accepted: [], unnamed: [] });
  });
});
