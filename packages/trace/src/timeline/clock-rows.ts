import type { ClockEvent } from "../events.js";
import { SnapshotPicker } from "./snapshot-picker.js";
import type { Arg, ClockReadings, CounterRow, Mark, Row, RowOwner, Timeline } from "./timeline.js";

type Of<K extends ClockEvent["kind"]> = Extract<ClockEvent, { kind: K }>;

/** `kvmclock.vcpu0`: a vCPU's own clock. */
const VCPU_CLOCK = /^(.+)\.vcpu(\d+)$/;

interface Drift {
  readonly row: CounterRow;
  /** Clock less true time at its first reading. */
  readonly firstNs: bigint;
}

/**
 * What KVM does to a guest's clocks, as instants; every counter, as a row; and of every clock that is read its drift: how much more
 * than true time it has gained since its first reading, ns, which stays small enough to be drawn where the clock itself would not.
 */
export class ClockRows {
  readonly #timeline: Timeline;
  readonly #fnName: string;
  readonly #kvmclock: readonly Row[];
  readonly #masterClock: Row = { owner: { kind: "vm" }, title: "master clock" };
  readonly #counters = new Map<string, CounterRow>();
  readonly #snapshots: SnapshotPicker;
  #drifts: readonly Drift[] | undefined;
  #clockNames: readonly string[] = [];

  /** `fnName` is whom a complaint names. */
  constructor(timeline: Timeline, vcpus: number, clockSnapshotNs: bigint, fnName: string) {
    this.#timeline = timeline;
    this.#fnName = fnName;
    this.#kvmclock = Array.from({ length: vcpus }, (_, index) => ({
      owner: { kind: "vcpu", index },
      title: "kvmclock",
    }));
    this.#snapshots = new SnapshotPicker(clockSnapshotNs, (ns, clocks) => this.#show(ns, clocks));
  }

  take(ns: bigint, event: ClockEvent): void {
    switch (event.kind) {
      case "pvclock-update":
        this.#onVcpu(ns, event, "pvclock update", [
          ["version", event.version],
          ["tsc_timestamp", event.tscTimestamp],
          ["system_time", event.systemTime],
          ["tsc_to_system_mul", event.tscToSystemMul],
          ["tsc_shift", event.tscShift],
          ["flags", event.flags],
        ]);
        return;
      case "tsc-offset":
        this.#onVcpu(ns, event, "TSC offset", [
          ["from", event.from],
          ["to", event.to],
        ]);
        return;
      case "tsc-matched":
        this.#onVcpu(ns, event, "TSC matched", [
          ["masterClock", event.masterClock],
          ["matched", event.matched],
          ["online", event.online],
          ["clocksource", event.clocksource],
        ]);
        return;
      case "master-clock": {
        const args: readonly Arg[] = [
          ["clocksource", event.clocksource],
          ["matched", event.matched],
        ];
        this.#timeline.instant(
          ns,
          this.#masterClock,
          markOf(event, `master clock ${event.masterClock}`, args),
        );
        return;
      }
      case "clocks":
        this.#checkNames(event.clocks);
        this.#snapshots.take(ns, event.clocks);
        return;
      case "counter":
        this.#timeline.counter(ns, this.#counterOf(event), event.value);
        return;
      default:
        event satisfies never;
    }
  }

  #onVcpu(
    ns: bigint,
    event: Of<"pvclock-update" | "tsc-offset" | "tsc-matched">,
    name: string,
    args: readonly Arg[],
  ): void {
    const row = this.#kvmclock[event.vcpu];
    if (row !== undefined) this.#timeline.instant(ns, row, markOf(event, name, args));
  }

  #counterOf({ name, unit, vcpu }: Of<"counter">): CounterRow {
    const key = `${vcpu ?? "host"} ${unit} ${name}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    const owner: RowOwner = vcpu === undefined ? { kind: "host" } : { kind: "vcpu", index: vcpu };
    const row: CounterRow = {
      owner,
      title: unit === "ns" ? `${name} (ns)` : name,
      unit,
      description: undefined,
    };
    this.#counters.set(key, row);
    return row;
  }

  /** A snapshot is a row of a table: its columns stay what they are. */
  #checkNames(clocks: ClockReadings): void {
    const names = clocks.map(([name]) => name);
    if (this.#drifts === undefined && this.#clockNames.length === 0) {
      if (new Set(names).size !== names.length) {
        throw new RangeError(`${this.#fnName}: expected clocks of different names, got ${names.join(", ")}`);
      }
      this.#clockNames = names;
    }
    if (names.length === this.#clockNames.length && names.every((name, i) => name === this.#clockNames[i]))
      return;
    const expected = this.#clockNames.join(", ");
    throw new RangeError(`${this.#fnName}: expected the clocks ${expected}, got ${names.join(", ")}`);
  }

  #show(ns: bigint, clocks: ClockReadings): void {
    this.#drifts ??= clocks.map(([name, read]) => ({ row: this.#driftRow(name), firstNs: read - ns }));
    this.#timeline.snapshot(ns, clocks);
    for (const [i, { row, firstNs }] of this.#drifts.entries()) {
      const [, read] = clocks[i] ?? ["", ns + firstNs];
      this.#timeline.counter(ns, row, read - ns - firstNs);
    }
  }

  #driftRow(name: string): CounterRow {
    const [, clock, index] = VCPU_CLOCK.exec(name) ?? [];
    const vcpu = Number(index);
    const own = clock !== undefined && vcpu < this.#kvmclock.length;
    return {
      owner: own ? { kind: "vcpu", index: vcpu } : { kind: "host" },
      title: `${own ? clock : name} − true (ns)`,
      unit: "ns",
      description: "since the first reading",
    };
  }
}

function markOf(event: ClockEvent, name: string, args: readonly Arg[]): Mark {
  return {
    category: "kvmclock",
    name,
    wording: "vocabulary",
    args: [["hostTsc", event.at], ...args],
    flow: undefined,
  };
}
