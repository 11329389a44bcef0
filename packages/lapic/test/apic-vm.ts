import { ApicBus, type ApicBusOptions, LocalApic, type LocalApicOptions } from "../src/index.js";
import { FakeHost } from "./fake-host.js";

/** One vCPU of an {@link ApicVm}: its APIC, and what reached the processor behind it. */
export interface ApicVcpu {
  readonly apic: LocalApic;
  nmis: number;
  inits: number;
  readonly startedAt: number[];
}

/** Local APICs with the IDs 0 … n − 1 or those given, on one bus. */
export class ApicVm {
  readonly bus: ApicBus;
  readonly vcpus: readonly ApicVcpu[];

  constructor(
    ids: number | readonly number[],
    options: { readonly bus?: ApicBusOptions; readonly apic?: Partial<LocalApicOptions> } = {},
  ) {
    this.bus = new ApicBus(options.bus);
    const host = new FakeHost();
    const each = typeof ids === "number" ? Array.from({ length: ids }, (_, id) => id) : ids;
    this.vcpus = each.map((id) => {
      const seen = { nmis: 0, inits: 0, startedAt: [] as number[] };
      const apic = new LocalApic({
        clock: host,
        createTimer: host.createTimer,
        bus: this.bus,
        vcpu: {
          nmi: () => void seen.nmis++,
          init: () => void seen.inits++,
          startUp: (vector) => void seen.startedAt.push(vector),
        },
        ...options.apic,
        id,
      });
      this.bus.connect(apic);
      return Object.assign(seen, { apic });
    });
  }

  /** The vCPU at a position; throws when there is none. */
  at(position: number): ApicVcpu {
    const vcpu = this.vcpus[position];
    if (vcpu === undefined) throw new RangeError(`ApicVm.at: expected a vCPU, got ${position}`);
    return vcpu;
  }

  apic(position: number): LocalApic {
    return this.at(position).apic;
  }

  /** Every vCPU looks for INIT and SIPI. */
  acceptEvents(): void {
    for (const { apic } of this.vcpus) apic.acceptEvents();
  }

  /** Positions of the vCPUs that take an interrupt now, with its vector; it is in service afterwards. */
  acknowledged(): readonly (readonly [position: number, vector: number])[] {
    return this.vcpus.flatMap(({ apic }, position) => {
      const vector = apic.acknowledge();
      return vector === undefined ? [] : [[position, vector] as const];
    });
  }
}
