import { bench, describe } from "vitest";
import { EVENTS_PER_TICK, HALTING_GUEST, haltingGuest } from "../../test/halting-guest.js";
import { PerfettoExporter } from "./perfetto-exporter.js";

const TICKS = 1_000;
const EVENTS = [...haltingGuest(TICKS)];

describe(`${TICKS * EVENTS_PER_TICK} events of a guest that halts`, () => {
  bench("Perfetto", () => {
    const exporter = new PerfettoExporter(HALTING_GUEST, () => {});
    for (const event of EVENTS) exporter.emit(event);
    exporter.end();
  });
});
