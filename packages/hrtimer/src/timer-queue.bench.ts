import { bench, describe } from "vitest";
import { TimerQueue } from "./index.js";

/**
 * The two queues people write first, against TimerQueue. All three are FIFO among equal expiries and use bigint expiries;
 * the heap cancels lazily, by leaving a dead entry behind, as heaps without a position index do.
 */

interface Entry {
  readonly expires: bigint;
  readonly order: number;
  readonly item: number;
  isDead: boolean;
}

const before = (a: Entry, b: Entry): boolean =>
  a.expires < b.expires || (a.expires === b.expires && a.order < b.order);

/** A sorted array: binary search and splice. */
class SortedArray {
  readonly #entries: Entry[] = [];
  #order = 0;

  add(expires: bigint, item: number): Entry {
    const entry = { expires, order: this.#order++, item, isDead: false };
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(this.#entries[middle] as Entry, entry)) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, entry);
    return entry;
  }

  move(entry: Entry, expires: bigint): Entry {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    return this.add(expires, entry.item);
  }

  pop(): Entry | undefined {
    return this.#entries.shift();
  }
}

/** A binary heap of objects with lazy deletion. */
class ObjectHeap {
  readonly #heap: Entry[] = [];
  #order = 0;

  add(expires: bigint, item: number): Entry {
    const entry = { expires, order: this.#order++, item, isDead: false };
    let i = this.#heap.push(entry) - 1;
    for (let up = (i - 1) >> 1; i > 0 && before(entry, this.#heap[up] as Entry); i = up, up = (i - 1) >> 1) {
      this.#heap[i] = this.#heap[up] as Entry;
    }
    this.#heap[i] = entry;
    return entry;
  }

  move(entry: Entry, expires: bigint): Entry {
    entry.isDead = true;
    return this.add(expires, entry.item);
  }

  pop(): Entry | undefined {
    for (;;) {
      const top = this.#heap[0];
      const last = this.#heap.pop();
      if (top !== undefined && last !== undefined && top !== last) this.#sink(last);
      if (top === undefined || !top.isDead) return top;
    }
  }

  #sink(entry: Entry): void {
    let i = 0;
    for (let child = 1; child < this.#heap.length; child = 2 * i + 1) {
      const right = this.#heap[child + 1];
      if (right !== undefined && before(right, this.#heap[child] as Entry)) child++;
      if (!before(this.#heap[child] as Entry, entry)) break;
      this.#heap[i] = this.#heap[child] as Entry;
      i = child;
    }
    this.#heap[i] = entry;
  }
}

/** A queue with n timers in steady state: `hold` fires the first and adds one, `rearm` moves a pending one. */
interface Load {
  hold(distance: bigint): void;
  rearm(pick: number, distance: bigint): void;
}

function timerQueueLoad(n: number): Load {
  const queue = new TimerQueue<number>();
  const handles: number[] = [];
  for (let i = 0; i < n; i++) handles.push(queue.add(BigInt(i), i));
  let now = 0n;
  return {
    hold(distance) {
      now = queue.nextExpires as bigint;
      const item = queue.pop() as number;
      handles[item] = queue.add(now + distance, item);
    },
    rearm(pick, distance) {
      queue.move(handles[pick] as number, now + distance);
    },
  };
}

function entryLoad(queue: ObjectHeap | SortedArray, n: number): Load {
  const entries: Entry[] = [];
  for (let i = 0; i < n; i++) entries.push(queue.add(BigInt(i), i));
  let now = 0n;
  return {
    hold(distance) {
      const { expires, item } = queue.pop() as Entry;
      now = expires;
      entries[item] = queue.add(now + distance, item);
    },
    rearm(pick, distance) {
      entries[pick] = queue.move(entries[pick] as Entry, now + distance);
    },
  };
}

const OPS = 1000;
const DISTANCES = 4096;
/** 1 … 2^22 ns, from a multiplicative generator: the same for every queue. */
const distances = Array.from({ length: DISTANCES }, (_, i) =>
  BigInt(1 + ((Math.imul(i + 1, 0x9e3779b1) >>> 10) & 0x3fffff)),
);

for (const n of [100, 10_000]) {
  const run = (load: Load, rearmPercent: number): (() => void) => {
    let tick = 0;
    return () => {
      for (let i = 0; i < OPS; i++) {
        tick++;
        const distance = distances[tick % DISTANCES] as bigint;
        if ((tick * 37) % 100 < rearmPercent) load.rearm((tick * 7919) % n, distance);
        else load.hold(distance);
      }
    };
  };
  for (const [title, percent] of [
    ["pop and insert", 0],
    ["70 % re-arm, 30 % pop and insert", 70],
  ] as const) {
    describe(`${n} timers, ${title} (1000 operations)`, () => {
      bench("TimerQueue", run(timerQueueLoad(n), percent));
      bench("binary heap of objects", run(entryLoad(new ObjectHeap(), n), percent));
      bench("sorted array", run(entryLoad(new SortedArray(), n), percent));
    });
  }
}
