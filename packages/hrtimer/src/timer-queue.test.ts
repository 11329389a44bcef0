import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type TimerHandle, TimerQueue } from "./timer-queue.js";

const S64_MIN = -(2n ** 63n);
const S64_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;
const SEQUENCE_LIMIT = 2 ** 42;

const drain = <T>(queue: TimerQueue<T>): (T | undefined)[] => {
  const items: (T | undefined)[] = [];
  while (queue.size > 0) items.push(queue.pop());
  return items;
};

describe("TimerQueue order", () => {
  it.each([
    ["two neighbours at the signed minimum", [S64_MIN + 1n, S64_MIN]],
    ["two neighbours around zero", [0n, -1n]],
    ["two neighbours at the signed maximum", [S64_MAX, S64_MAX - 1n]],
    ["a difference in the low 11 bits only", [2047n, 2046n]],
    ["a carry out of the low 11 bits", [2048n, 2047n]],
    ["a carry out of the low 32 bits", [2n ** 32n, 2n ** 32n - 1n]],
    ["neighbours above 2^53, where a double cannot tell them apart", [2n ** 53n + 1n, 2n ** 53n]],
    ["the extremes", [S64_MAX, S64_MIN]],
  ])("sorts %s", (_title, [later, earlier]) => {
    const queue = new TimerQueue<string>();
    queue.add(later as bigint, "later");
    queue.add(earlier as bigint, "earlier");
    expect(drain(queue)).toEqual(["earlier", "later"]);
  });

  it("sorts unsigned expiries above 2^63 last", () => {
    const queue = new TimerQueue<string>("u64");
    queue.add(U64_MAX, "max");
    queue.add(2n ** 63n, "middle");
    queue.add(0n, "zero");
    expect(queue.nextExpires).toBe(0n);
    expect(drain(queue)).toEqual(["zero", "middle", "max"]);
  });

  it("is first in, first out among equals, whatever else comes and goes", () => {
    const queue = new TimerQueue<number>();
    const handles: TimerHandle[] = [];
    for (let i = 0; i < 100; i++) handles.push(queue.add(i % 2 === 0 ? 7n : BigInt(i), i));
    for (let i = 1; i < 100; i += 2) queue.remove(handles[i] as number);
    expect(drain(queue)).toEqual(Array.from({ length: 50 }, (_, i) => 2 * i));
  });

  it("puts a moved timer behind its equals, also when its expiry stays the same", () => {
    const queue = new TimerQueue<string>();
    const a = queue.add(7n, "a");
    queue.add(7n, "b");
    queue.move(a, 7n);
    expect(drain(queue)).toEqual(["b", "a"]);
  });

  it("keeps its order across the renumbering after 2^42 insertions", () => {
    const empty = new TimerQueue<number>();
    const queue = TimerQueue.fromState<number>({ ...empty.state(), sequence: SEQUENCE_LIMIT - 3 });
    const handles = [];
    for (let i = 0; i < 8; i++) handles.push(queue.add(i < 4 ? 2n : 1n, i));
    queue.move(handles[0] as number, 1n);
    expect(queue.state().sequence).toBeLessThan(20);
    expect(drain(queue)).toEqual([4, 5, 6, 7, 0, 1, 2, 3]);
  });

  it("renumbers with the root vacant as well", () => {
    const empty = new TimerQueue<number>();
    const queue = TimerQueue.fromState<number>({ ...empty.state(), sequence: SEQUENCE_LIMIT - 2 });
    queue.add(1n, 0);
    queue.add(2n, 1);
    queue.pop();
    queue.add(2n, 2);
    expect(drain(queue)).toEqual([1, 2]);
  });
});

describe("TimerQueue when empty", () => {
  it("answers undefined", () => {
    const queue = new TimerQueue<string>();
    expect([queue.size, queue.nextExpires, queue.peek(), queue.pop(), queue.popDue(S64_MAX)]).toEqual([
      0,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(queue.entries()).toEqual([]);
  });

  it("answers undefined again after its last timer was popped", () => {
    const queue = new TimerQueue<string>();
    queue.add(1n, "only");
    queue.pop();
    expect([queue.size, queue.nextExpires, queue.peek(), queue.pop()]).toEqual([
      0,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("TimerQueue.popDue", () => {
  it.each([
    [999n, undefined],
    [1000n, "timer"],
    [1001n, "timer"],
    [S64_MIN, undefined],
    [S64_MAX, "timer"],
  ])("at %d gives %s for a timer at 1000", (now, expected) => {
    const queue = new TimerQueue<string>();
    queue.add(1000n, "timer");
    expect(queue.popDue(now)).toBe(expected);
  });

  it("counts a timer at the very last instant as due then", () => {
    const queue = new TimerQueue<string>();
    queue.add(S64_MAX, "last");
    expect(queue.popDue(S64_MAX - 1n)).toBeUndefined();
    expect(queue.popDue(S64_MAX)).toBe("last");
  });
});

describe("TimerQueue handles", () => {
  it("die with their timer and stay dead when the slot is reused", () => {
    const queue = new TimerQueue<string>();
    const popped = queue.add(1n, "popped");
    queue.pop();
    const removed = queue.add(1n, "removed");
    queue.remove(removed);
    const live = queue.add(1n, "live");
    for (const dead of [popped, removed]) {
      expect([queue.has(dead), queue.remove(dead), queue.move(dead, 5n), queue.expiresOf(dead)]).toEqual([
        false,
        false,
        false,
        undefined,
      ]);
    }
    expect([queue.has(live), queue.expiresOf(live)]).toEqual([true, 1n]);
  });

  it("stay dead after shrink gave their slots away", () => {
    const queue = new TimerQueue<number>();
    const old = Array.from({ length: 1000 }, (_, i) => queue.add(BigInt(i), i));
    queue.clear();
    queue.shrink();
    const fresh = Array.from({ length: 1000 }, (_, i) => queue.add(BigInt(i), i));
    expect(old.some((handle) => queue.has(handle))).toBe(false);
    expect(fresh.every((handle) => queue.has(handle))).toBe(true);
  });

  it("survive shrink while live", () => {
    const queue = new TimerQueue<number>();
    const handles = Array.from({ length: 100 }, (_, i) => queue.add(BigInt(i), i));
    for (let i = 0; i < 100; i++) if (i !== 60) queue.remove(handles[i] as number);
    queue.shrink();
    expect(queue.expiresOf(handles[60] as number)).toBe(60n);
    queue.add(1n, 1);
    expect(drain(queue)).toEqual([1, 60]);
  });

  it.each([[-1], [0.5], [Number.NaN], [2 ** 53 - 1]])("of nonsense value %s name nothing", (handle) => {
    const queue = new TimerQueue<string>();
    queue.add(1n, "live");
    expect(queue.has(handle)).toBe(false);
  });
});

describe("TimerQueue arguments", () => {
  it.each([
    ["add", (queue: TimerQueue<string>, at: bigint) => queue.add(at, "x")],
    ["move", (queue: TimerQueue<string>, at: bigint) => queue.move(0, at)],
    ["popDue", (queue: TimerQueue<string>, at: bigint) => queue.popDue(at)],
  ])("%s refuses what is not a 64-bit bigint of its domain", (name, call) => {
    const signed = new TimerQueue<string>();
    const unsigned = new TimerQueue<string>("u64");
    expect(() => call(signed, S64_MAX + 1n)).toThrow(
      new RangeError(`${name}: expected a signed 64-bit expiry, got 9223372036854775808`),
    );
    expect(() => call(signed, S64_MIN - 1n)).toThrow(RangeError);
    expect(() => call(unsigned, -1n)).toThrow(
      new RangeError(`${name}: expected an unsigned 64-bit expiry, got -1`),
    );
    expect(() => call(unsigned, U64_MAX + 1n)).toThrow(RangeError);
    expect(() => call(signed, 5 as unknown as bigint)).toThrow(
      new TypeError(`${name}: expected expires to be a bigint, got number`),
    );
  });

  it("the constructor refuses another domain", () => {
    expect(() => new TimerQueue("u32" as "u64")).toThrow(
      new TypeError("TimerQueue: expected domain s64 or u64, got u32"),
    );
  });
});

describe("TimerQueue.fromState", () => {
  it("keeps a handle dead that its slot's end in a shrink made so", () => {
    const queue = new TimerQueue<string>();
    const gone = queue.add(0n, "gone");
    queue.pop();
    queue.shrink();
    const restored = TimerQueue.fromState<string>(JSON.parse(JSON.stringify(queue.state())));
    restored.add(1n, "new");
    expect(restored.remove(gone)).toBe(false);
    expect(restored.pop()).toBe("new");
  });

  it.each([-1, 0.5, 1, 2 ** 53])("refuses the first generation %d", (firstGeneration) => {
    const state = { ...new TimerQueue<number>().state(), firstGeneration };
    expect(() => TimerQueue.fromState(state)).toThrow(
      `fromState: expected a firstGeneration that is a multiple of ${2 ** 24}, got ${firstGeneration}`,
    );
  });

  it("refuses a state whose slots do not add up", () => {
    const queue = new TimerQueue<string>();
    queue.add(1n, "a");
    const state = queue.state();
    expect(() => TimerQueue.fromState({ ...state, entries: [] })).toThrow(RangeError);
    expect(() => TimerQueue.fromState({ ...state, handles: [7] })).toThrow(
      "fromState: expected a live handle, got 0",
    );
    for (const sequence of [-1, 0.5, SEQUENCE_LIMIT + 1]) {
      expect(() => TimerQueue.fromState({ ...state, sequence })).toThrow(
        `fromState: expected a sequence from 0 to 2^42, got ${sequence}`,
      );
    }
    const outside = state.entries.map((entry) => ({ ...entry, expires: "9223372036854775808" }));
    expect(() => TimerQueue.fromState({ ...state, entries: outside })).toThrow(RangeError);
  });

  it("passes items through the caller's own form", () => {
    const queue = new TimerQueue<{ id: number }>();
    queue.add(1n, { id: 4 });
    const state = JSON.parse(JSON.stringify(queue.state((item) => item.id)));
    expect(TimerQueue.fromState(state, (id) => ({ id: id as number })).pop()).toEqual({ id: 4 });
  });
});

/** The obvious queue: an array, sorted by expiry and then by when it was inserted. */
class SortedArray {
  readonly timers: { id: number; expires: bigint; inserted: number }[] = [];
  #inserted = 0;

  add(id: number, expires: bigint): void {
    this.timers.push({ id, expires, inserted: this.#inserted++ });
    this.timers.sort((a, b) =>
      a.expires < b.expires ? -1 : a.expires > b.expires ? 1 : a.inserted - b.inserted,
    );
  }

  remove(id: number): boolean {
    const index = this.timers.findIndex((timer) => timer.id === id);
    if (index >= 0) this.timers.splice(index, 1);
    return index >= 0;
  }

  move(id: number, expires: bigint): boolean {
    const isQueued = this.remove(id);
    if (isQueued) this.add(id, expires);
    return isQueued;
  }
}

interface Model {
  readonly sorted: SortedArray;
  readonly handles: TimerHandle[];
}
interface Real {
  queue: TimerQueue<number>;
}
type Command = fc.Command<Model, Real>;

const command = (label: string, run: (model: Model, real: Real) => void): Command => ({
  check: () => true,
  run,
  toString: () => label,
});

const agree = ({ sorted }: Model, { queue }: Real): void => {
  expect(queue.size).toBe(sorted.timers.length);
  expect(queue.nextExpires).toBe(sorted.timers[0]?.expires);
  expect(queue.peek()).toBe(sorted.timers[0]?.id);
};

// A narrow range makes ties common; the full range crosses every key boundary.
const expiry = fc.oneof(
  fc.bigInt({ min: 0n, max: 3n }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 4096n }),
  fc.bigInt({ min: S64_MIN, max: S64_MAX }),
  fc.constantFrom(S64_MIN, -1n, 0n, S64_MAX),
);

const commands = fc.commands(
  [
    expiry.map((expires) =>
      command(`add ${expires}`, (model, real) => {
        model.sorted.add(model.handles.length, expires);
        model.handles.push(real.queue.add(expires, model.handles.length));
        agree(model, real);
      }),
    ),
    fc.tuple(fc.nat(), expiry).map(([pick, expires]) =>
      command(`move ${pick} ${expires}`, (model, real) => {
        if (model.handles.length === 0) return;
        const id = pick % model.handles.length;
        expect(real.queue.move(model.handles[id] as number, expires)).toBe(model.sorted.move(id, expires));
        agree(model, real);
      }),
    ),
    fc.nat().map((pick) =>
      command(`remove ${pick}`, (model, real) => {
        if (model.handles.length === 0) return;
        const id = pick % model.handles.length;
        expect(real.queue.remove(model.handles[id] as number)).toBe(model.sorted.remove(id));
        agree(model, real);
      }),
    ),
    fc.constant(
      command("pop", (model, real) => {
        expect(real.queue.pop()).toBe(model.sorted.timers.shift()?.id);
        // Without a look at the queue here: the next command meets the vacant root.
      }),
    ),
    expiry.map((now) =>
      command(`popDue ${now}`, (model, real) => {
        const first = model.sorted.timers[0];
        const isDue = first !== undefined && first.expires <= now;
        expect(real.queue.popDue(now)).toBe(isDue ? model.sorted.timers.shift()?.id : undefined);
      }),
    ),
    fc.constant(
      command("shrink", (model, real) => {
        real.queue.shrink();
        agree(model, real);
      }),
    ),
    fc.constant(
      command("save and restore", (model, real) => {
        const saved = JSON.parse(JSON.stringify(real.queue.state()));
        real.queue = TimerQueue.fromState<number>(saved);
        expect(real.queue.state()).toEqual(saved);
        expect(real.queue.entries()).toEqual(
          model.sorted.timers.map(({ id, expires }) => ({ handle: model.handles[id], expires, item: id })),
        );
      }),
    ),
  ],
  { maxCommands: 120 },
);

describe("TimerQueue against a sorted array", () => {
  it.each([0, SEQUENCE_LIMIT - 20])("agrees after every command, from sequence %d on", (sequence) => {
    fc.assert(
      fc.property(commands, (script) => {
        fc.modelRun(() => {
          const queue = TimerQueue.fromState<number>({ ...new TimerQueue<number>().state(), sequence });
          return { model: { sorted: new SortedArray(), handles: [] }, real: { queue } };
        }, script);
      }),
      { numRuns: 150 },
    );
  });

  it("gives the same handles and order after a restore as without one", () => {
    fc.assert(
      fc.property(
        fc.array(expiry, { maxLength: 40 }),
        fc.array(expiry, { maxLength: 40 }),
        (before, after) => {
          const queue = new TimerQueue<number>();
          before.forEach((expires, i) => {
            queue.add(expires, i);
            if (i % 3 === 0) queue.pop();
          });
          const copy = TimerQueue.fromState<number>(queue.state());
          const play = (target: TimerQueue<number>): unknown[] => [
            ...after.map((expires, i) => [target.add(expires, i), i % 2 === 0 ? target.pop() : undefined]),
            ...drain(target),
          ];
          expect(play(copy)).toEqual(play(queue));
        },
      ),
    );
  });
});
