import {
  type ApicvInhibit,
  type BadApicAccess,
  LocalApic,
  type LocalApicConfig,
  type LocalApicOptions,
  type LocalApicVcpu,
  type TriggerMode,
} from "../src/index.js";
import { FakeHost, type FakeTimer } from "./fake-host.js";

const IA32_APICBASE = 0x1b;

/** A processor that writes down what its APIC asks of it. */
export class WatchedVcpu implements LocalApicVcpu {
  apicvActive = false;
  startUpBlocked = false;
  /** In order: `nmi`, `smi`, `pv-unhalt`, `init`, `start 0x8`, `eoi 65 edge`. */
  readonly seen: string[] = [];
  events = 0;
  kicks = 0;
  notifications = 0;

  requestEvent(): void {
    this.events += 1;
  }
  kick(): void {
    this.kicks += 1;
  }
  notifyPosted(): void {
    this.notifications += 1;
  }
  nmi(): void {
    this.seen.push("nmi");
  }
  smi(): void {
    this.seen.push("smi");
  }
  pvUnhalt(): void {
    this.seen.push("pv-unhalt");
  }
  init(): void {
    this.seen.push("init");
  }
  startUp(vector: number): void {
    this.seen.push(`start ${vector}`);
  }
  eoi(vector: number, trigger: TriggerMode): void {
    this.seen.push(`eoi ${vector} ${trigger}`);
  }
}

/** What a test of one APIC varies. */
export interface OneApicOptions {
  readonly id?: number;
  /** How far the guest has got: `reset`, or further. */
  readonly mode?: "reset" | "xapic" | "x2apic";
  readonly config?: Partial<LocalApicConfig>;
  readonly behaviours?: LocalApicOptions["behaviours"];
  readonly bus?: LocalApicOptions["bus"];
}

/** One local APIC on a host that stands still, with shorthands for a guest's accesses. */
export class OneApic {
  readonly host: FakeHost = new FakeHost();
  readonly vcpu: WatchedVcpu = new WatchedVcpu();
  readonly bad: BadApicAccess[] = [];
  readonly inhibits: (readonly ApicvInhibit[])[] = [];
  readonly errors: number[] = [];
  /** Outcomes `onAccept` told, in order. */
  readonly arrivals: string[] = [];
  readonly options: LocalApicOptions;
  readonly apic: LocalApic;

  /** Software-enabled, but in `reset`. */
  constructor(options: OneApicOptions = {}) {
    const { id = 0, mode = "xapic", config = {}, behaviours = {}, bus } = options;
    this.options = {
      id,
      clock: this.host,
      createTimer: this.host.createTimer,
      vcpu: this.vcpu,
      config,
      behaviours,
      ...(bus === undefined ? {} : { bus }),
      events: {
        onBadAccess: (access) => this.bad.push(access),
        onApicvInhibit: (reasons) => this.inhibits.push(reasons),
        onError: (errors) => this.errors.push(errors),
        onAccept: (_interrupt, outcome) => this.arrivals.push(outcome),
      },
    };
    this.apic = new LocalApic(this.options);
    if (mode === "x2apic") this.apic.wrmsr(IA32_APICBASE, this.apic.apicBase | 0x400n);
    if (mode !== "reset") this.write(0xf0, 0x1ff);
  }

  get timer(): FakeTimer {
    const [timer] = this.host.timers;
    if (timer === undefined) throw new Error("no timer was created");
    return timer;
  }

  /** The guest reads a register, by page or MSR as its mode has it; −1 for #GP. */
  read(offset: number): number {
    if (this.apic.mode !== "x2apic") return Number(this.apic.read(offset, 4));
    return Number(this.apic.rdmsr(0x800 + offset / 16) ?? -1n);
  }

  /** The guest writes a register, by page or MSR as its mode has it. */
  write(offset: number, value: number): "ok" | "fault" {
    if (this.apic.mode === "x2apic") return this.apic.wrmsr(0x800 + offset / 16, BigInt(value));
    this.apic.write(offset, BigInt(value), 4);
    return "ok";
  }

  /** A fixed, edge-triggered interrupt arrives. */
  request(vector: number, trigger: TriggerMode = "edge"): "accepted" | "discarded" {
    return this.apic.accept({ vector, deliveryMode: 0, level: "asserted", trigger });
  }

  /** The dword of a saved page. */
  saved(offset: number): number {
    return new DataView(this.apic.toPage().buffer).getUint32(offset, true);
  }

  /** Restores a page: the APIC's own with dwords changed. */
  restore(...patch: readonly (readonly [offset: number, value: number])[]): "ok" | "invalid" {
    const page = this.apic.toPage();
    for (const [offset, value] of patch) new DataView(page.buffer).setUint32(offset, value, true);
    return this.apic.fromPage(page);
  }
}
