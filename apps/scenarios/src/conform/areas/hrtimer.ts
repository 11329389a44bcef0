import { type MonotonicNs, monotonicNs } from "@chronovisor/clocksource";
import {
  CLOCK_BOOTTIME,
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  CLOCK_TAI,
  type EventDevice,
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_REL,
  HRTIMER_MODE_SOFT,
  type Hrtimer,
  HrtimerSystem,
  hrtimerForward,
  KTIME_MAX,
  ktimeAdd,
  ktimeAddSafe,
  type ProgramForce,
  setExpiresRange,
  type TimerHandle,
  TimerQueue,
} from "@chronovisor/hrtimer";
import type { JudgeRow, Mismatch, Replay, Row } from "../replay.js";
import { big, bool, compare, list, MalformedRow, num, oneOf } from "../row-fields.js";

const judgeForward = (row: Row): Mismatch | undefined => {
  const { overruns, expiresNs, softExpiresNs } = hrtimerForward({
    expiresNs: big(row, "expires"),
    softExpiresNs: big(row, "softexpires"),
    nowNs: big(row, "now"),
    intervalNs: big(row, "interval"),
    resolutionNs: big(row, "resolution"),
  });
  return compare(
    {
      overruns: big(row, "overruns"),
      expires_out: big(row, "expires_out"),
      softexpires_out: big(row, "softexpires_out"),
    },
    { overruns, expires_out: expiresNs, softexpires_out: softExpiresNs },
  );
};

const judgeSetExpiresRange = (row: Row): Mismatch | undefined => {
  const time = big(row, "time");
  const delta = big(row, "delta_ns");
  const { softExpiresNs, expiresNs } = setExpiresRange(time, delta);
  return compare(
    {
      softexpires: big(row, "softexpires"),
      expires: big(row, "expires"),
      add_safe: big(row, "add_safe"),
    },
    {
      softexpires: softExpiresNs,
      expires: expiresNs,
      // The addend is a ktime_t: its u64 column is seen as signed.
      add_safe: ktimeAddSafe(time, BigInt.asIntN(64, delta)),
    },
  );
};

const judgeQueueOrder = (row: Row): Mismatch | undefined => {
  const queue = new TimerQueue<number>();
  const handles = new Map<number, TimerHandle>();
  for (const op of list(row, "ops")) {
    const [kind, id, expires] = queueOp(op);
    const handle = handles.get(id);
    if (kind === "add") handles.set(id, queue.add(expires, id));
    else if (handle === undefined) throw new MalformedRow("ops", "an op on a timer that was added", op);
    else if (kind === "readd") queue.move(handle, expires);
    else queue.remove(handle);
  }
  return compare({ order: list(row, "order") }, { order: queue.entries().map(({ item }) => item) });
};

function queueOp(op: unknown): readonly ["add" | "del" | "readd", number, bigint] {
  if (!Array.isArray(op)) throw new MalformedRow("ops", "a list of [op, id, expiry?]", op);
  const columns: Row = { op: op[0], id: op[1], expires: op[2] ?? "0" };
  return [oneOf(columns, "op", ["add", "del", "readd"]), num(columns, "id"), big(columns, "expires")];
}

/** POSIX ids by the `clock` column, which numbers the bases. */
const CLOCK_OF_COLUMN = [CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME, CLOCK_TAI] as const;

/** The recorded device: an attempt is logged before it is judged, and fails only unforced, for an instant not after now. */
class RecordedDevice implements EventDevice {
  readonly #now: () => bigint;
  programmed: (readonly [bigint, number])[] = [];

  constructor(now: () => bigint) {
    this.#now = now;
  }

  program(expiresNs: MonotonicNs, force: ProgramForce): boolean {
    this.programmed.push([expiresNs, force === "force" ? 1 : 0]);
    return force === "force" || expiresNs === KTIME_MAX || expiresNs > this.#now();
  }
}

/** One `seq`: a machine of one CPU whose clocks stand still within an op. */
class Sequence {
  #now = 0n;
  readonly #offsets = [0n, 0n, 0n, 0n];
  #offsetsSequence = 0;
  readonly #timers = new Map<number, Hrtimer>();
  #fired: unknown[] = [];
  #isSoftirqRaised = false;
  readonly #device = new RecordedDevice(() => this.#now);
  readonly #system = new HrtimerSystem({
    clock: {
      monotonicNs: () => monotonicNs(this.#now),
      offsets: () => ({
        sequence: this.#offsetsSequence,
        realtimeNs: this.#offset(1),
        boottimeNs: this.#offset(2),
        taiNs: this.#offset(3),
      }),
    },
    cpus: [{ device: this.#device }],
    events: {
      onSoftirqRaised: () => {
        this.#isSoftirqRaised = true;
      },
    },
  });
  readonly #cpu = this.#system.cpu(0);

  judge(row: Row): Mismatch | undefined {
    this.#now = big(row, "now");
    this.#device.programmed = [];
    this.#fired = [];
    switch (oneOf(row, "op", ["init", "start", "cancel", "interrupt", "softirq"])) {
      case "init":
        this.#init(row);
        return undefined;
      case "start":
        return this.#start(row);
      case "cancel":
        return this.#compare(row, { result: big(row, "result") }, { result: this.#timer(row).tryToCancel() });
      case "interrupt":
        return this.#interrupt(row);
      case "softirq":
        this.#cpu.runSoftirq();
        return this.#compare(row, { fired: list(row, "fired") }, { fired: this.#fired });
    }
  }

  #init(row: Row): void {
    const id = num(row, "timer");
    const clock = num(row, "clock");
    const posixClock = CLOCK_OF_COLUMN[clock];
    if (posixClock === undefined) throw new MalformedRow("clock", "a base number 0 to 3", clock);
    this.#setOffset(clock, big(row, "offset"));
    this.#timers.set(
      id,
      this.#system.createTimer(this.#callback(id, row), {
        name: `timer ${id}`,
        clock: posixClock,
        mode: bool(row, "soft") ? HRTIMER_MODE_SOFT : HRTIMER_MODE_ABS,
      }),
    );
  }

  /** An `init` that repeats its clock's offset sets no clock, so it must not make the CPU look at its queue again. */
  #setOffset(clock: number, offset: bigint): void {
    if (this.#offset(clock) === offset) return;
    this.#offsets[clock] = offset;
    this.#offsetsSequence++;
    this.#cpu.retrigger();
  }

  #start(row: Row): Mismatch | undefined {
    const timer = this.#timer(row);
    const wasQueued = timer.isQueued;
    const mode = bool(row, "rel") ? HRTIMER_MODE_REL : HRTIMER_MODE_ABS;
    timer.startRange(big(row, "time"), big(row, "delta_ns"), mode | softBit(timer));
    return this.#compare(
      row,
      {
        was_queued: bool(row, "was_queued"),
        softexpires: big(row, "softexpires"),
        expires: big(row, "expires"),
      },
      { was_queued: wasQueued, softexpires: timer.softExpiresNs, expires: timer.expiresNs },
    );
  }

  #interrupt(row: Row): Mismatch | undefined {
    this.#isSoftirqRaised = false;
    this.#cpu.interrupt();
    return this.#compare(
      row,
      {
        fired: list(row, "fired"),
        softirq_raised: bool(row, "softirq_raised"),
        retries: num(row, "retries"),
      },
      {
        fired: this.#fired,
        softirq_raised: this.#isSoftirqRaised,
        retries: this.#cpu.nrRetries,
      },
    );
  }

  /** What every op but `init` leaves behind, beside its own columns. */
  #compare(row: Row, expected: Record<string, unknown>, got: Record<string, unknown>): Mismatch | undefined {
    return compare(
      {
        ...expected,
        programmed: list(row, "programmed"),
        expires_next: big(row, "expires_next"),
        softirq_expires_next: big(row, "softirq_expires_next"),
      },
      {
        ...got,
        programmed: this.#device.programmed,
        expires_next: this.#cpu.expiresNext,
        softirq_expires_next: this.#cpu.softExpiresNext,
      },
    );
  }

  /** The callback kinds; each call of one that does something takes a unit of the budget `restarts`. */
  #callback(id: number, row: Row): () => MonotonicNs | undefined {
    const kind = oneOf(row, "kind", ["oneshot", "forward", "set_expires", "start_other"]);
    const period = big(row, "period");
    const other = num(row, "other");
    const otherDelay = big(row, "other_delay");
    let budget = num(row, "restarts");
    return () => {
      const timer = this.#timerById(id);
      this.#fired.push([id, timer.softExpiresNs, timer.expiresNs]);
      if (kind === "oneshot" || budget === 0) return undefined;
      budget--;
      switch (kind) {
        case "forward":
          timer.forwardNow(period);
          return timer.expiresNs;
        case "set_expires":
          timer.setExpires(ktimeAdd(timer.expiresNs, period));
          return timer.expiresNs;
        case "start_other": {
          const started = this.#timerById(other);
          started.start(ktimeAdd(started.clockNowNs, otherDelay), HRTIMER_MODE_ABS | softBit(started));
          return undefined;
        }
      }
    };
  }

  #timer(row: Row): Hrtimer {
    return this.#timerById(num(row, "timer"));
  }

  #timerById(id: number): Hrtimer {
    const timer = this.#timers.get(id);
    if (timer === undefined) throw new MalformedRow("timer", "a timer with an init row", id);
    return timer;
  }

  #offset(clock: number): bigint {
    return this.#offsets[clock] ?? 0n;
  }
}

const softBit = (timer: Hrtimer): number => (timer.isSoft ? HRTIMER_MODE_SOFT : HRTIMER_MODE_ABS);

/** Sequences may be interleaved: each `seq` has a machine of its own. */
function judgeSequences(): JudgeRow {
  const sequences = new Map<number, Sequence>();
  return (row) => {
    const seq = num(row, "seq");
    const sequence = sequences.get(seq) ?? new Sequence();
    sequences.set(seq, sequence);
    return sequence.judge(row);
  };
}

/** The replays of the `hrtimer` area. */
export const hrtimerReplays: readonly Replay[] = [
  { area: "hrtimer", file: "forward", create: () => judgeForward },
  { area: "hrtimer", file: "set_expires_range", create: () => judgeSetExpiresRange },
  { area: "hrtimer", file: "queue_order", create: () => judgeQueueOrder },
  { area: "hrtimer", file: "sequence", create: judgeSequences },
  { area: "hrtimer", file: "sequence_multibase", create: judgeSequences },
];
