import { MAX_SLOTS, SEQUENCE_LIMIT, SIGNED_BIAS, TimerHeap, UNSIGNED_BIAS } from "./timer-heap.js";

/** Names one queued timer until it is popped or removed; afterwards it names nothing, also when its slot is reused. */
export type TimerHandle = number;

/** What expiries a queue takes: signed (`ktime_t`) or unsigned (counter values) 64-bit integers. */
export type ExpiryDomain = "s64" | "u64";

/** One queued timer. */
export interface QueueEntry<T> {
  readonly handle: TimerHandle;
  readonly expires: bigint;
  readonly item: T;
}

/** A queue as plain JSON-safe data, but for the items, which are as the caller saved them. */
export interface TimerQueueState {
  readonly domain: ExpiryDomain;
  /** Sequence number of the next insertion. */
  readonly sequence: number;
  /** By slot: the handle a live slot has, or a free slot will have next. */
  readonly handles: readonly number[];
  /** Free slots in the order they will be reused. */
  readonly free: readonly number[];
  /** What a slot's first handle is above its number, since `shrink` gave slots back; 0 where it never did. */
  readonly firstGeneration: number;
  /** The queued timers in the order they will expire, expiries as decimal strings. */
  readonly entries: readonly { readonly handle: number; readonly expires: string; readonly item: unknown }[];
}

/** Distance between two handles of one slot; 2^53 / MAX_SLOTS = 2^29 reuses before a handle can come again. */
const GENERATION = MAX_SLOTS;
const SLOT_MASK = MAX_SLOTS - 1;
const FIRST_HANDLES = 16;

const RANGE: Readonly<Record<ExpiryDomain, readonly [bigint, bigint, string]>> = {
  s64: [-(2n ** 63n), 2n ** 63n - 1n, "a signed 64-bit expiry"],
  u64: [0n, 2n ** 64n - 1n, "an unsigned 64-bit expiry"],
};

/**
 * A timer queue with a total order: earliest expiry first, and first in, first out among equal expiries.
 *
 * Any pending timer can be cancelled or moved in O(log n), expiries are exact over all 64 bits, and nothing is allocated
 * per operation. A moved timer goes behind its new equals, as the kernel's timerqueue does
 * (lib/timerqueue.c; docs/model/hrtimer §3). The order holds for the life of the queue: after 2^42 insertions (an hour at
 * 1.2e9 a second) the queued timers are renumbered in their present order, once, in O(n log n).
 *
 * @typeParam T - what the caller wants back at expiry: a callback, an object, a number.
 * @throws TypeError for an unknown domain.
 * @example
 * const queue = new TimerQueue();
 * queue.add(20n, "late");
 * const dropped = queue.add(5n, "dropped");
 * queue.add(10n, "first");
 * queue.add(10n, "second");
 * queue.remove(dropped) // => true
 * [queue.nextExpires, queue.pop(), queue.pop(), queue.pop(), queue.pop()] // => [ 10n, 'first', 'second', 'late', undefined ]
 */
export class TimerQueue<T = undefined> {
  readonly domain: ExpiryDomain;
  readonly #heap: TimerHeap;
  readonly #min: bigint;
  readonly #max: bigint;
  #handles = new Float64Array(FIRST_HANDLES);
  /** Slots beyond the known ones begin at this multiple of GENERATION, so that a shrunk-away handle stays dead. */
  #firstGeneration = 0;
  #items: (T | undefined)[] = [];

  /** @param domain - `s64` (the default) or `u64`. */
  constructor(domain: ExpiryDomain = "s64") {
    const range = RANGE[domain];
    if (range === undefined) throw new TypeError(`TimerQueue: expected domain s64 or u64, got ${domain}`);
    this.domain = domain;
    this.#heap = new TimerHeap(domain === "s64" ? SIGNED_BIAS : UNSIGNED_BIAS);
    [this.#min, this.#max] = range;
  }

  /** How many timers are queued. */
  get size(): number {
    return this.#heap.size;
  }

  /** The earliest expiry; undefined when empty. */
  get nextExpires(): bigint | undefined {
    const slot = this.#heap.first();
    return slot < 0 ? undefined : this.#heap.expires(slot);
  }

  /**
   * Queues a timer behind those with the same expiry.
   *
   * @throws TypeError unless `expires` is a bigint, RangeError outside the queue's domain or beyond 2^24 queued timers.
   */
  add(expires: bigint, item: T): TimerHandle {
    this.#checkExpires("add", expires);
    const slot = this.#heap.insert(expires);
    if (slot >= this.#items.length) this.#knowSlot(slot);
    this.#items[slot] = item;
    return this.#handles[slot] as number;
  }

  /**
   * Moves a queued timer, also to the expiry it has already: it goes behind its equals.
   *
   * @returns false, and nothing happens, if the handle no longer names a queued timer.
   * @throws TypeError unless `expires` is a bigint, RangeError outside the queue's domain.
   */
  move(handle: TimerHandle, expires: bigint): boolean {
    this.#checkExpires("move", expires);
    if (!this.has(handle)) return false;
    this.#heap.update(handle & SLOT_MASK, expires);
    return true;
  }

  /** Cancels a queued timer; false if the handle no longer names one. */
  remove(handle: TimerHandle): boolean {
    if (!this.has(handle)) return false;
    const slot = handle & SLOT_MASK;
    this.#heap.remove(slot);
    this.#retire(slot);
    return true;
  }

  /** True while the handle names a queued timer. */
  has(handle: TimerHandle): boolean {
    const slot = handle & SLOT_MASK;
    return this.#heap.isQueued(slot) && this.#handles[slot] === handle;
  }

  /** The expiry of a queued timer; undefined if the handle no longer names one. */
  expiresOf(handle: TimerHandle): bigint | undefined {
    return this.has(handle) ? this.#heap.expires(handle & SLOT_MASK) : undefined;
  }

  /** The item of the earliest timer; undefined when empty. */
  peek(): T | undefined {
    const slot = this.#heap.first();
    return slot < 0 ? undefined : this.#items[slot];
  }

  /** Takes the earliest timer out and returns its item; undefined when empty. */
  pop(): T | undefined {
    const slot = this.#heap.pop();
    return slot < 0 ? undefined : this.#retire(slot);
  }

  /**
   * {@link TimerQueue.pop} if the earliest timer expires at or before `now`, else undefined.
   *
   * @throws TypeError unless `now` is a bigint, RangeError outside the queue's domain.
   */
  popDue(now: bigint): T | undefined {
    this.#checkExpires("popDue", now);
    return this.#heap.isFirstDue(now) ? this.#retire(this.#heap.pop()) : undefined;
  }

  /** Cancels every timer. */
  clear(): void {
    while (this.#heap.size > 0) this.pop();
  }

  /** The queued timers in the order they will expire; the queue is left as it is. */
  entries(): QueueEntry<T>[] {
    return this.#heap.slotsInOrder().map((slot) => ({
      handle: this.#handles[slot] as number,
      expires: this.#heap.expires(slot),
      item: this.#items[slot] as T,
    }));
  }

  /** Gives back memory that earlier peaks left behind. The queue never shrinks by itself. */
  shrink(): void {
    const known = this.#items.length;
    const kept = this.#heap.shrink();
    for (let slot = kept; slot < known; slot++) {
      this.#firstGeneration = Math.max(this.#firstGeneration, (this.#handles[slot] as number) - slot);
    }
    this.#items.length = kept;
    this.#handles = this.#handles.slice(0, Math.max(kept, FIRST_HANDLES));
  }

  /**
   * The queue as plain data; {@link TimerQueue.fromState} gives back a queue with the same future, handles included.
   *
   * @param save - turns an item into JSON-safe data; by default items are taken as they are.
   */
  state(save: (item: T) => unknown = (item) => item): TimerQueueState {
    return {
      domain: this.domain,
      sequence: this.#heap.sequence,
      handles: Array.from(this.#handles.subarray(0, this.#heap.slotCount)),
      free: this.#heap.freeSlots(),
      firstGeneration: this.#firstGeneration,
      entries: this.entries().map(({ handle, expires, item }) => ({
        handle,
        expires: expires.toString(),
        item: save(item),
      })),
    };
  }

  /**
   * Restores a queue.
   *
   * @param load - turns a saved item back; by default saved items are taken as they are.
   * @throws RangeError or TypeError if the state does not describe a queue.
   */
  static fromState<T>(
    state: TimerQueueState,
    load: (saved: unknown) => T = (saved) => saved as T,
  ): TimerQueue<T> {
    const queue = new TimerQueue<T>(state.domain);
    const slots = state.handles.length;
    if (state.free.length + state.entries.length !== slots) {
      throw new RangeError(
        `fromState: expected every slot free or queued, got ${slots} slots, ${state.free.length} free, ${state.entries.length} queued`,
      );
    }
    if (!(Number.isInteger(state.sequence) && state.sequence >= 0 && state.sequence <= SEQUENCE_LIMIT)) {
      throw new RangeError(`fromState: expected a sequence from 0 to 2^42, got ${state.sequence}`);
    }
    const { firstGeneration } = state;
    if (
      !(Number.isSafeInteger(firstGeneration) && firstGeneration >= 0 && firstGeneration % GENERATION === 0)
    ) {
      throw new RangeError(
        `fromState: expected a firstGeneration that is a multiple of ${GENERATION}, got ${firstGeneration}`,
      );
    }
    queue.#firstGeneration = firstGeneration;
    queue.#heap.restoreSlots(slots, state.free);
    queue.#handles = new Float64Array(Math.max(slots, FIRST_HANDLES));
    queue.#handles.set(state.handles);
    queue.#items.length = slots;
    for (const { handle, expires, item } of state.entries) {
      const slot = handle & SLOT_MASK;
      const instant = BigInt(expires);
      queue.#checkExpires("fromState", instant);
      if (state.handles[slot] !== handle)
        throw new RangeError(`fromState: expected a live handle, got ${handle}`);
      queue.#heap.occupy(slot, instant);
      queue.#items[slot] = load(item);
    }
    queue.#heap.sequence = state.sequence;
    return queue;
  }

  #checkExpires(fn: string, expires: bigint): void {
    if (typeof expires !== "bigint") {
      throw new TypeError(`${fn}: expected expires to be a bigint, got ${typeof expires}`);
    }
    if (expires < this.#min || expires > this.#max) {
      throw new RangeError(`${fn}: expected ${RANGE[this.domain][2]}, got ${expires}`);
    }
  }

  #knowSlot(slot: number): void {
    if (slot >= this.#handles.length) {
      const grown = new Float64Array(this.#handles.length * 2);
      grown.set(this.#handles);
      this.#handles = grown;
    }
    this.#handles[slot] = this.#firstGeneration + slot;
  }

  /** Ends a slot's handle and returns its item. */
  #retire(slot: number): T {
    const item = this.#items[slot] as T;
    this.#items[slot] = undefined;
    const next = (this.#handles[slot] as number) + GENERATION;
    this.#handles[slot] = next <= Number.MAX_SAFE_INTEGER ? next : slot;
    return item;
  }
}
