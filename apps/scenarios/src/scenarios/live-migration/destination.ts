import type { HostTsc } from "@chronovisor/clocksource";
import { buildClockMachine, type ClockMachine } from "../../machine/clock-machine.js";
import type { OpenTrace } from "../../machine/trace/open-trace.js";
import { cyclesIn, type LiveMigrationParams } from "./params.js";

/** What tells the destinations of this story apart. */
export interface DestinationOptions {
  readonly axes: Readonly<Record<string, string>>;
  readonly hostKhz: bigint;
  readonly scaling: "present" | "absent";
  /**
   * The frequency the vCPUs are created with: the host's, so that each is told by KVM_SET_TSC_KHZ, or the guest's, because
   * the VM was told before.
   */
  readonly createdAt: "host-frequency" | "guest-frequency";
  readonly vcpus: number;
  /** Where it is one that is shown. */
  readonly openTrace?: OpenTrace | undefined;
}

/** A host on which a VM waits for its guest. */
export interface Destination extends ClockMachine {
  /** Host TSC of the restoring, which is now. */
  readonly restoreTsc: HostTsc;
}

/** Builds the destination and lets it come to the instant of the restoring. */
export function buildDestination(params: LiveMigrationParams, options: DestinationOptions): Destination {
  const { destinationUptime, prepared, guestKhz, fracBits } = params;
  const { hostKhz, scaling, createdAt, vcpus, axes, openTrace } = options;
  const restoreTsc = cyclesIn(destinationUptime, hostKhz) as HostTsc;
  const machine = buildClockMachine({
    hostKhz,
    guestKhz: createdAt === "guest-frequency" ? guestKhz : 0n,
    vendor: fracBits === "48" ? "vmx" : "svm",
    tscScaling: scaling,
    vcpus,
    startTsc: restoreTsc - cyclesIn(prepared, hostKhz),
    axes,
    openTrace,
  });
  machine.host.engine.runUntil(restoreTsc);
  return { ...machine, restoreTsc };
}
