import {
  HRTIMER_MODE_ABS,
  HRTIMER_MODE_HARD,
  HRTIMER_MODE_PINNED,
  HRTIMER_MODE_REL,
  HRTIMER_MODE_SOFT,
  type Hrtimer,
  type HrtimerEvents,
} from "@chronovisor/hrtimer";
import type { Teller } from "./traced-machine.js";

/** What the kernel prints after ABS or REL. */
const MODE_BITS = [
  [HRTIMER_MODE_PINNED, "PINNED"],
  [HRTIMER_MODE_SOFT, "SOFT"],
  [HRTIMER_MODE_HARD, "HARD"],
] as const;

const ALL_BITS = HRTIMER_MODE_REL | HRTIMER_MODE_PINNED | HRTIMER_MODE_SOFT | HRTIMER_MODE_HARD;
/** By the mode. */
const MODE_NAMES: readonly string[] = Array.from({ length: ALL_BITS + 1 }, (_, mode) => modeName(mode));

interface Known {
  readonly timer: number;
  was: "armed" | "idle";
}

/** The timers of a host as its trace has them: numbered as they are first used, called by their callbacks. */
export class HrtimerTrace {
  /** For the `HrtimerSystem`. */
  readonly events: HrtimerEvents = {
    onStart: (timer, mode) => this.#started(timer, mode),
    onRestart: (timer) => this.#started(timer, HRTIMER_MODE_ABS),
    onCancel: (timer) => {
      const known = this.#known(timer);
      known.was = "idle";
      this.#trace.emit({
        kind: "hrtimer-cancel",
        at: this.#trace.now,
        cpu: timer.cpu,
        timer: known.timer,
      });
    },
    onExpire: (timer, nowNs) => {
      const known = this.#known(timer);
      known.was = "idle";
      const { now: at } = this.#trace;
      const name = this.#nameOf(timer);
      this.#trace.emit({ kind: "hrtimer-expire", at, cpu: timer.cpu, timer: known.timer, name, nowNs });
    },
    onExpired: (timer) => {
      const { timer: number } = this.#known(timer);
      this.#trace.emit({ kind: "hrtimer-done", at: this.#trace.now, cpu: timer.cpu, timer: number });
    },
  };
  readonly #trace: Teller;
  readonly #timers = new Map<Hrtimer, Known>();
  readonly #callbacks = new Map<Hrtimer, string>();

  constructor(trace: Teller) {
    this.#trace = trace;
  }

  /** Says which function of the kernel a timer calls; its own name stands for one that is not said. */
  calls(timer: Hrtimer, callback: string): void {
    this.#callbacks.set(timer, callback);
  }

  #started(timer: Hrtimer, mode: number): void {
    const known = this.#known(timer);
    const { was } = known;
    known.was = "armed";
    this.#trace.emit({
      kind: "hrtimer-start",
      at: this.#trace.now,
      cpu: timer.cpu,
      timer: known.timer,
      name: this.#nameOf(timer),
      expiresNs: timer.expiresNs,
      mode: MODE_NAMES[mode & ALL_BITS] ?? modeName(mode),
      was,
    });
  }

  #nameOf(timer: Hrtimer): string {
    return this.#callbacks.get(timer) ?? timer.name;
  }

  #known(timer: Hrtimer): Known {
    let known = this.#timers.get(timer);
    if (known === undefined) {
      known = { timer: this.#timers.size + 1, was: "idle" };
      this.#timers.set(timer, known);
    }
    return known;
  }
}

function modeName(mode: number): string {
  const start = (mode & HRTIMER_MODE_REL) === 0 ? "ABS" : "REL";
  return [start, ...MODE_BITS.flatMap(([bit, name]) => ((mode & bit) === 0 ? [] : [name]))].join("|");
}
