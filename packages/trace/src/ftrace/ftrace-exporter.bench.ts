import { bench, describe } from "vitest";
import { EVENTS_PER_TICK, HALTING_GUEST, haltingGuest } from "../../test/halting-guest.js";
import { FtraceExporter } from "./ftrace-exporter.js";
import { TraceTextReader } from "./trace-text-reader.js";

const TICKS = 1_000;
const EVENTS = [...haltingGuest(TICKS)];

describe(`${TICKS * EVENTS_PER_TICK} events of a guest that halts`, () => {
  bench("written", () => {
    const exporter = new FtraceExporter(HALTING_GUEST, () => {});
    for (const event of EVENTS) exporter.emit(event);
    exporter.end();
  });

  bench("written and read back", () => {
    const reader = new TraceTextReader({ onRecord: () => {} });
    const exporter = new FtraceExporter(HALTING_GUEST, (text) => reader.write(text));
    for (const event of EVENTS) exporter.emit(event);
    exporter.end();
    reader.end();
  });
});
