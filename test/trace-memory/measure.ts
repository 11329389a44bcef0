/** Runs in a child process with `--expose-gc`: what an exporter still holds while a long run goes through it. */
import { hostTsc } from "../../packages/clocksource/src/index.js";
import {
  ChromeExporter,
  CsvEventsExporter,
  CsvSeriesExporter,
  FtraceExporter,
  JsonLinesExporter,
  JsonLinesReader,
  PerfettoExporter,
  SeriesCollector,
  type TraceEvent,
  type TraceExporter,
  TraceTextOrder,
  TraceTextReader,
  VcdExporter,
} from "../../packages/trace/src/index.js";
import { haltingGuest, HALTING_GUEST as RUN } from "../../packages/trace/test/halting-guest.js";

/** What became of a run. */
export interface Measured {
  /** Characters or bytes written. */
  readonly written: number;
  /** What was read back, where that is done. */
  readonly readBack: number;
  /** Bytes of the heap and of buffers in use after a collection: early in the run, and the most after that. */
  readonly early: number;
  readonly most: number;
}

/** Counts what is written. */
class Count {
  written = 0;
  readBack = 0;
  readonly write = ({ length }: string | Uint8Array): void => {
    this.written += length;
  };
}

/** A 1 kHz guest that halts; its clocks are read every 10 ms, and its lag is told with them. */
function* run(events: number): Generator<TraceEvent> {
  let count = 0;
  for (const event of haltingGuest(events)) {
    if (event.kind === "irq-begin" && count % 10 === 0) {
      const { at } = event;
      const ns = BigInt.asUintN(64, at * 2n) / 5n;
      yield {
        kind: "clocks",
        at,
        clocks: [
          ["CLOCK_MONOTONIC", ns],
          ["kvmclock.vcpu0", ns + (at % 1_000n)],
        ],
      };
      yield { kind: "counter", at: hostTsc(at), name: "lag", unit: "ns", value: at % 1_000n, vcpu: 0 };
    }
    yield event;
    count += 1;
    if (count >= events) return;
  }
}

function seriesOfRun() {
  const collector = new SeriesCollector();
  for (const event of run(100)) collector.emit(event);
  return collector.series();
}

/** Every exporter that streams, and every reader behind the exporter of its format. */
export const STREAMS: Readonly<Record<string, (count: Count) => TraceExporter>> = {
  perfetto: ({ write }) => new PerfettoExporter(RUN, write),
  chrome: ({ write }) => new ChromeExporter(RUN, write),
  csv: ({ write }) => new CsvEventsExporter(RUN, write),
  "csv-series": ({ write }) => new CsvSeriesExporter(RUN, write, seriesOfRun()),
  jsonl: ({ write }) => new JsonLinesExporter(RUN, write),
  vcd: ({ write }) => new VcdExporter(RUN, write, { series: seriesOfRun() }),
  ftrace: ({ write }) => new FtraceExporter(RUN, write),
  "jsonl, read back": (count) => {
    const reader = new JsonLinesReader({
      begin: () => {},
      emit: () => {
        count.readBack += 1;
      },
    });
    return new JsonLinesExporter(RUN, (text) => {
      count.write(text);
      reader.write(text);
    });
  },
  "ftrace, read back": (count) => {
    // Of the 4 096 to 8 192 records that it holds by default the heap would swing by more than what is looked for.
    const order = new TraceTextOrder(() => {
      count.readBack += 1;
    }, 64);
    const reader = new TraceTextReader({ onRecord: (record) => order.add(record) });
    return new FtraceExporter(RUN, (text) => {
      count.write(text);
      reader.write(text);
    });
  },
};

/** Collections of a run: each takes some ms. */
const LOOKS = 20;

/** Lets so many events of the guest through an exporter. */
export function measure(stream: string, events: number): Measured {
  const create = STREAMS[stream];
  if (create === undefined)
    throw new RangeError(`measure: expected one of ${Object.keys(STREAMS)}, got ${stream}`);
  if (gc === undefined) throw new RangeError("measure: expected node --expose-gc, got no gc()");
  const collect = gc;
  const used = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const count = new Count();
  const exporter = create(count);
  const distance = Math.ceil(events / LOOKS);
  const looks: number[] = [];
  let taken = 0;
  for (const event of run(events)) {
    exporter.emit(event);
    taken += 1;
    if (taken % distance === 0) looks.push(used());
  }
  exporter.end();
  const [early = 0, ...later] = looks;
  return { written: count.written, readBack: count.readBack, early, most: Math.max(...later) };
}
