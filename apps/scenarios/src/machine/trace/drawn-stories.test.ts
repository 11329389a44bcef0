/** What stories look like as Perfetto traces, read as `trace_processor` would: every clock, counter and track, and every timer's flow. */
import { PerfettoExporter, type TraceRun } from "@chronovisor/trace";
import { describe, expect, it } from "vitest";
import {
  type ReadEvent,
  type ReadTrace,
  readTrace,
} from "../../../../../packages/trace/test/perfetto/read-trace.js";
import { simulate } from "../../simulate.js";

const HOST_CLOCKS = [
  "CLOCK_REALTIME",
  "CLOCK_MONOTONIC",
  "CLOCK_MONOTONIC_RAW",
  "CLOCK_BOOTTIME",
  "CLOCK_TAI",
  "host_tsc",
];

/** `guest_tsc.vcpu0`, `kvmclock.vcpu0`, `guest_tsc.vcpu1` … */
const clocksOf = (vcpus: number, ...names: readonly string[]): readonly string[] =>
  Array.from({ length: vcpus }, (_, id) => names.map((name) => `${name}.vcpu${id}`)).flat();

interface Story {
  readonly id: string;
  readonly kernel: string;
  readonly set: Readonly<Record<string, string>>;
  readonly guestClocks: readonly string[];
  /** Tracks it has besides those of its clocks, by the end of their paths. */
  readonly tracks: readonly string[];
}

const TIMER_TRACKS = ["CPU 0 > hrtimer CPU 0", "CPU 0/KVM > LAPIC timer", "CPU 0/KVM > injections"];
const CLOCK_TRACKS = ["host A > mult", "CPU 0/KVM > kvmclock", "VM 0 > master clock"];

const STORIES: readonly Story[] = [
  {
    id: "periodic-drift",
    kernel: "v4.16",
    set: { duration: "100ms" },
    guestClocks: clocksOf(1, "guest_tsc"),
    tracks: [...TIMER_TRACKS, "CPU 0/KVM > lag (ns)"],
  },
  {
    id: "pinned-timer",
    kernel: "v4.5",
    set: { timers: "20" },
    guestClocks: clocksOf(1, "guest_tsc"),
    tracks: [...TIMER_TRACKS, "CPU 1 > hrtimer CPU 1", "CPU 0/KVM > lag (ns)"],
  },
  {
    id: "xen-accuracy",
    kernel: "v6.8",
    set: { age: "1s" },
    guestClocks: clocksOf(1, "guest_tsc", "kvmclock", "xen"),
    tracks: [...CLOCK_TRACKS, "CPU 0 > hrtimer CPU 0"],
  },
  {
    id: "master-clock-yank",
    kernel: "v7.2",
    set: { age: "10s" },
    guestClocks: clocksOf(4, "guest_tsc", "kvmclock"),
    tracks: [...CLOCK_TRACKS, "CPU 3/KVM > kvmclock"],
  },
  {
    id: "hyperv-page",
    kernel: "v7.3",
    set: { age: "10s" },
    guestClocks: clocksOf(2, "guest_tsc", "kvmclock", "hv_ref"),
    tracks: CLOCK_TRACKS,
  },
  {
    id: "live-migration",
    kernel: "v7.3",
    set: { age: "1m", watch: "1m" },
    guestClocks: clocksOf(4, "guest_tsc", "kvmclock"),
    tracks: CLOCK_TRACKS,
  },
  {
    id: "host-suspend",
    kernel: "v6.6",
    set: { age: "20s", sleep: "1m", reference: "20s" },
    guestClocks: clocksOf(2, "guest_tsc", "kvmclock"),
    tracks: [...CLOCK_TRACKS, ...TIMER_TRACKS, "CPU 1/KVM > LAPIC timer"],
  },
  {
    id: "long-stop",
    kernel: "v6.18",
    set: { stop: "1s" },
    guestClocks: clocksOf(1, "guest_tsc"),
    tracks: TIMER_TRACKS,
  },
];

/** The trace of a story's first machine, checked packet by packet: fields, nesting, tables, snapshots. */
function drawn({ id, kernel, set }: Story): ReadTrace {
  const pieces: Uint8Array[] = [];
  let exporter: PerfettoExporter | undefined;
  const trace = (run: TraceRun) => {
    if (exporter !== undefined) return undefined;
    exporter = new PerfettoExporter(run, (bytes) => pieces.push(bytes));
    return exporter;
  };
  simulate(id, { kernel, set, hooks: { trace } });
  exporter?.end();
  return readTrace(Buffer.concat(pieces));
}

/** The marks of each flow, in order of time. */
function flowsOf({ events }: ReadTrace): ReadonlyMap<bigint, readonly ReadEvent[]> {
  const flows = new Map<bigint, ReadEvent[]>();
  for (const event of events) {
    for (const id of [...event.flows, ...event.endsFlows]) {
      const marks = flows.get(id);
      if (marks === undefined) flows.set(id, [event]);
      else marks.push(event);
    }
  }
  return flows;
}

/** What begins a flow: a backend is armed, Xen is asked for a timer, or a start finds its deadline past. */
const BEGINS = /^(?:armed: |xen: set timer(?: |$)|timer expired: )/;

describe.each(STORIES)("$id as a Perfetto trace", (story) => {
  let read: ReadTrace | undefined;
  const once = (): ReadTrace => {
    read ??= drawn(story);
    return read;
  };

  it("has all its clocks in every snapshot, true time first", () => {
    const trace = once();
    const ids = trace.events.find(({ name }) => name === "clock ids");
    expect(Object.keys(ids?.args ?? {})).toEqual([...HOST_CLOCKS, ...story.guestClocks]);
    expect(trace.snapshots.length).toBeGreaterThan(5);
    for (const snapshot of trace.snapshots) {
      expect(snapshot.length).toBe(1 + HOST_CLOCKS.length + story.guestClocks.length);
    }
  });

  it("has a counter of every clock's drift, and its tracks", () => {
    const paths = once().tracks.map(({ path }) => path);
    for (const name of HOST_CLOCKS) expect(paths).toContain(`host A > ${name} − true (ns)`);
    for (const name of story.guestClocks) {
      const [clock, vcpu = ""] = name.split(".vcpu");
      expect(paths).toContain(`VM 0 > CPU ${vcpu}/KVM > ${clock} − true (ns)`);
    }
    for (const track of story.tracks) {
      expect(
        paths.some((path) => path.endsWith(track)),
        track,
      ).toBe(true);
    }
  });

  it("has flows that begin with an arming and end once, at the last of their marks", () => {
    const flows = [...flowsOf(once())];
    const last = new Set(flows.slice(-2).map(([id]) => id));
    for (const [id, marks] of flows) {
      const names = marks.map(({ name }) => name).join(" > ");
      expect(names).toMatch(BEGINS);
      const ends = marks.flatMap(({ endsFlows }, i) => (endsFlows.includes(id) ? [i] : []));
      // One that was cancelled has its arming only; one that is under way where the run ends, and Xen's, have no end.
      const isOpen = marks.length === 1 || last.has(id) || names.startsWith("xen");
      if (!isOpen || ends.length > 0) expect([names, ends]).toEqual([names, [marks.length - 1]]);
    }
  });
});

it("a timer's flow goes from its arming through callback and injection to the guest's end of interrupt", () => {
  const [story] = STORIES;
  const shapes = story === undefined ? [] : [...flowsOf(drawn(story)).values()];
  const ways = shapes
    .map((marks) => marks.map(({ name, track }) => `${track.name}: ${name}`))
    .filter(({ length }) => length > 1);
  expect(ways[0]).toEqual([
    "LAPIC timer: armed: hrtimer",
    "CPU 0: LAPIC timer callback",
    "CPU 0/KVM: timer expired: pending",
    "injections: inject 0xec",
    "CPU 0/KVM: interrupt 0xec",
    "CPU 0/KVM: eoi 0xec",
  ]);
  expect(new Set(ways.map((way) => way.join())).size).toBe(1);
});
