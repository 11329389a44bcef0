import fc from "fast-check";
import {
  ApicBus,
  type BadApicAccess,
  LOCAL_APIC_BEHAVIOURS,
  LocalApic,
  type LocalApicConfig,
  type LocalApicOptions,
} from "../src/index.js";
import { FakeHost } from "./fake-host.js";

/** One thing that a guest, its host or a device does to an APIC. */
export interface Step {
  readonly act: (vm: RandomVm) => void;
  /** What a counterexample shows. */
  readonly [fc.toStringMethod]: () => string;
}

const IA32_APICBASE = 0x1b;
const IA32_TSC_DEADLINE = 0x6e0;
const PAGE_BYTES = 1024;

/** Besides what CPUID and capabilities say. */
export interface RandomVmOptions {
  readonly delivery?: "by KVM" | "posted";
  /** Of every behaviour. */
  readonly authority?: "kvm" | "sdm";
}

/** Two APICs on one bus; what they report is kept until asked for. */
export class RandomVm {
  readonly host: FakeHost = new FakeHost();
  readonly bus: ApicBus = new ApicBus();
  readonly options: readonly LocalApicOptions[];
  readonly apics: readonly LocalApic[];
  /** Whether a page was restored: it stores whatever bits it likes. */
  pages: "none" | "restored" = "none";
  #bad: BadApicAccess[] = [];

  constructor(config: Partial<LocalApicConfig>, extra: RandomVmOptions = {}) {
    this.options = [0, 1].map((id) => ({
      id,
      clock: this.host,
      createTimer: this.host.createTimer,
      config,
      bus: this.bus,
      vcpu: { smi: () => {}, apicvActive: extra.delivery === "posted" },
      behaviours: Object.fromEntries(
        Object.keys(LOCAL_APIC_BEHAVIOURS).map((axis) => [axis, extra.authority ?? "kvm"]),
      ),
      events: { onBadAccess: (access) => void this.#bad.push(access) },
    }));
    this.apics = this.options.map((options) => new LocalApic(options));
    for (const apic of this.apics) this.bus.connect(apic);
  }

  apic(position: number): LocalApic {
    const apic = this.apics[position];
    if (apic === undefined) throw new RangeError(`RandomVm.apic: expected a vCPU, got ${position}`);
    return apic;
  }

  /** The accesses reported since the last call. */
  takeBad(): readonly BadApicAccess[] {
    const bad = this.#bad;
    this.#bad = [];
    return bad;
  }

  /** Lets time pass and the timers that are due run, each at its instant. */
  pass(ns: bigint): void {
    const until = this.host.mono + ns;
    for (;;) {
      const due = this.host.timers.find(({ armed, expiresNs }) => armed && expiresNs <= until);
      if (due === undefined) break;
      if (due.expiresNs > this.host.mono) this.host.moveTo(due.expiresNs);
      due.fire();
    }
    this.host.moveTo(until);
  }
}

/** u32s that matter more often than they would by chance: few bits, all but few, small numbers. */
const u32 = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.nat(0x1ff),
  fc.nat(31).map((bit) => 2 ** bit),
  fc.constantFrom(0, 0xffff_ffff, 0x1ff, 0x2_00ec, 0x4_00ec, 0xec, 1_000_000),
);
const u64 = fc.oneof(
  { weight: 4, arbitrary: u32.map(BigInt) },
  { weight: 1, arbitrary: fc.tuple(u32, u32).map(([high, low]) => (BigInt(high) << 32n) | BigInt(low)) },
);
const position = fc.nat(1);
const slot = fc.nat(63);
const msr = fc.oneof(
  { weight: 8, arbitrary: slot.map((n) => 0x800 + n) },
  { weight: 1, arbitrary: fc.integer({ min: 0x840, max: 0x8ff }) },
  { weight: 2, arbitrary: fc.constant(IA32_TSC_DEADLINE) },
);
const apicBase = fc
  .tuple(
    fc.constantFrom(0n, 0x800n, 0xc00n, 0xc00n),
    fc.constantFrom(0n, 0n, 0n, 1n, 0x200n, 0x1000n, 1n << 60n),
  )
  .map(([mode, extra]) => 0xfee0_0000n ^ mode ^ extra);
const size = fc.constantFrom(4, 4, 4, 4, 1, 2, 8);
const deliveries = fc.record({
  vector: fc.nat(255),
  deliveryMode: fc.nat(7),
  level: fc.constantFrom("asserted" as const, "deasserted" as const),
  trigger: fc.constantFrom("edge" as const, "level" as const),
});

const step = <Ts extends unknown[]>(
  what: string,
  act: (vm: RandomVm, ...values: Ts) => void,
  ...values: { [I in keyof Ts]: fc.Arbitrary<Ts[I]> }
): fc.Arbitrary<Step> =>
  fc.tuple(...values).map((drawn) => ({
    act: (vm) => act(vm, ...(drawn as Ts)),
    [fc.toStringMethod]: () => `${what}(${drawn.map((value) => fc.stringify(value)).join(", ")})`,
  }));

const registerAccess = fc.oneof(
  step("write", (vm, at, n, value) => vm.apic(at).write(16 * n, BigInt(value), 4), position, slot, u32),
  step("read", (vm, at, n) => void vm.apic(at).read(16 * n, 4), position, slot),
  step("wrmsr", (vm, at, index, value) => void vm.apic(at).wrmsr(index, value), position, msr, u64),
  step("rdmsr", (vm, at, index) => void vm.apic(at).rdmsr(index), position, msr),
);
const oddAccess = fc.oneof(
  step(
    "write",
    (vm, at, offset, value, n) => vm.apic(at).write(offset, value, n),
    position,
    fc.nat(0xfff),
    u64,
    size,
  ),
  step("read", (vm, at, offset, n) => void vm.apic(at).read(offset, n), position, fc.nat(0xfff), size),
  step("writeCr8", (vm, at, value) => vm.apic(at).writeCr8(value), position, fc.nat(31)),
);
const processor = fc.oneof(
  step("acknowledge", (vm, at) => void vm.apic(at).acknowledge(), position),
  step("injectPendingTimer", (vm, at) => void vm.apic(at).injectPendingTimer(), position),
  step("acceptEvents", (vm, at) => vm.apic(at).acceptEvents(), position),
  step("waitBeforeEntry", (vm, at) => void vm.apic(at).waitBeforeEntry(), position),
  step("syncPosted", (vm, at) => vm.apic(at).syncPosted(), position),
);
const device = fc.oneof(
  step("accept", (vm, at, interrupt) => void vm.apic(at).accept(interrupt), position, deliveries),
  step("msi", (vm, low, data) => void vm.bus.msi(0xfee0_0000 + low, data), fc.nat(0xf_ffff), u32),
  step(
    "setLint",
    (vm, at, pin, level) => void vm.apic(at).setLint(pin, level),
    position,
    fc.constantFrom(0 as const, 1 as const),
    fc.constantFrom("asserted" as const, "deasserted" as const),
  ),
);
const host = fc.oneof(
  { weight: 8, arbitrary: step("pass", (vm, ns) => vm.pass(ns), fc.bigInt({ min: 0n, max: 3_000_000n })) },
  {
    weight: 4,
    arbitrary: step(
      "wrmsr(0x1b)",
      (vm, at, value, writer) => void vm.apic(at).wrmsr(IA32_APICBASE, value, writer),
      position,
      apicBase,
      fc.constantFrom("guest" as const, "host" as const),
    ),
  },
  {
    weight: 1,
    arbitrary: step(
      "reset",
      (vm, at, kind) => vm.apic(at).reset(kind),
      position,
      fc.constantFrom("reset" as const, "init" as const),
    ),
  },
);
const pages = step(
  "patchPage",
  (vm, at, words) => {
    const page = vm.apic(at).toPage();
    for (const [index, value] of words) new DataView(page.buffer).setUint32(4 * index, value, true);
    vm.pages = "restored";
    vm.apic(at).fromPage(page);
  },
  position,
  fc.array(fc.tuple(fc.nat(PAGE_BYTES / 4 - 1), u32), { maxLength: 8 }),
);

/** What a guest and those around it may do, register accesses most of it. */
export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 60, arbitrary: registerAccess },
  { weight: 8, arbitrary: oddAccess },
  { weight: 16, arbitrary: processor },
  { weight: 8, arbitrary: device },
  { weight: 7, arbitrary: host },
  { weight: 1, arbitrary: pages },
);
