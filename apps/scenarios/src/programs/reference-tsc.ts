import {
  decodeReferenceTscPage,
  HV_X64_MSR_REFERENCE_TSC,
  HV_X64_MSR_TIME_REF_COUNT,
  type ReferenceTscPage,
  readReferenceTsc,
} from "@chronovisor/pvclock";
import type { GuestCpu } from "../machine/guest/guest.js";
import { type FlatMemory, PAGE_SIZE } from "../machine/guest/guest-memory.js";

/** Where the guest puts the page. */
const PAGE_GPA = 0x5000n;
const ENABLE = 1n;

/** Reference time as a guest has it. */
export interface ReferenceTime {
  /** Units of 100 ns. */
  readonly time: bigint;
  readonly from: "page" | "counter";
}

/** A guest of Hyper-V's interface: its reference TSC page, and the counter it reads where the page tells nothing. */
export class GuestReferenceTsc {
  readonly #memory: FlatMemory;
  #page: "named" | "unnamed";

  /**
   * @param memory - the guest's.
   * @param page - whether the guest has named its page already, as one that was moved has.
   */
  constructor(memory: FlatMemory, page: "named" | "unnamed" = "unnamed") {
    this.#memory = memory;
    this.#page = page;
  }

  /** Names the page. */
  enable(cpu: GuestCpu): void {
    cpu.wrmsr(HV_X64_MSR_REFERENCE_TSC, PAGE_GPA | ENABLE);
    this.#page = "named";
  }

  /** Takes it away. */
  disable(cpu: GuestCpu): void {
    cpu.wrmsr(HV_X64_MSR_REFERENCE_TSC, 0n);
    this.#page = "unnamed";
  }

  /** What the guest takes the time for. */
  read(cpu: GuestCpu): ReferenceTime {
    const reading = this.#page === "named" ? readReferenceTsc(this.bytes(), () => cpu.rdtsc()) : undefined;
    if (reading !== undefined) return { time: reading.time, from: "page" };
    return { time: this.readCounter(cpu), from: "counter" };
  }

  /** The counter, whether there is a page or not. */
  readCounter(cpu: GuestCpu): bigint {
    const time = cpu.rdmsr(HV_X64_MSR_TIME_REF_COUNT);
    if (time === undefined) throw new Error("GuestReferenceTsc: the host has no reference counter");
    return time;
  }

  /** What the page holds. */
  page(): ReferenceTscPage {
    return decodeReferenceTscPage(this.bytes());
  }

  /** The bytes it is in. */
  bytes(): Uint8Array {
    return this.#memory.at(PAGE_GPA, PAGE_SIZE);
  }
}
