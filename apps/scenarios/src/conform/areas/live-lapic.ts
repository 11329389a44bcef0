import type { Replay } from "../replay.js";
import { createRegisters } from "./live-registers.js";
import { createSequences } from "./live-sequences.js";
import { createLapicState } from "./live-state.js";
import { judgeTmcctRow } from "./live-tmcct.js";
import { createTscDeadline } from "./live-tsc-deadline.js";

const replay = (file: string, create: Replay["create"]): Replay => ({ area: "live-kvm", file, create });

/** The rows of `live-kvm` that a running kernel's local APIC left. */
export const liveLapicReplays: readonly Replay[] = [
  replay("x2apic_registers", createRegisters),
  replay("x2apic_sequences", createSequences),
  replay("x2apic_sequences_timed", createSequences),
  replay("tmcct", () => judgeTmcctRow),
  replay("lapic_state", createLapicState),
  replay("tsc_deadline", createTscDeadline),
];
