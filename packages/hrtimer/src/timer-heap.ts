/**
 * The ordering core shared by {@link TimerQueue} and the clock bases: a 4-ary heap over slots, held in typed arrays.
 *
 * Unchecked and internal. Every pending timer has a *slot* (a small integer that stays the same while it is queued)
 * and a key of two doubles that compares exactly as (64-bit expiry, insertion sequence) does:
 *
 *     h = hi32 · 2^21 + (lo32 >>> 11)        all but the low 11 bits of the expiry, < 2^53
 *     l = (lo32 & 2047) · 2^42 + sequence    the low 11 bits, then the tie-breaker, < 2^53
 *
 * Both are integers below 2^53, so nothing is rounded, and no bigint is touched while sifting. `pop` leaves the root
 * empty (the *hole*): the insert that usually follows, a timer re-arming itself, sifts down from there instead of
 * paying for a full removal and a full insertion.
 */

/** The tie-breaker's range: 42 bits, 4.4e12 insertions between renumberings. */
export const SEQUENCE_LIMIT: number = 2 ** 42;
const LOW_BITS = 11;
const LOW_MASK = 2 ** LOW_BITS - 1;
const HIGH_SCALE = 2 ** 21;
const INITIAL_CAPACITY = 16;
/** A slot has to fit the 24 bits that TimerQueue's handles keep for it. */
export const MAX_SLOTS: number = 2 ** 24;

const scratch64 = new BigUint64Array(1);
const scratchSigned = new BigInt64Array(scratch64.buffer);
const scratch32 = new Uint32Array(scratch64.buffer);
scratch64[0] = 1n;
/** Index of the low word of scratch64: 0 on little-endian machines. */
const LOW = scratch32[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** Signed keys are biased so that −2^63 sorts first; unsigned keys are taken as they are. */
export const SIGNED_BIAS: number = 0x8000_0000;
export const UNSIGNED_BIAS = 0;

export class TimerHeap {
  /** How many timers are queued. */
  size = 0;
  /** The tie-breaker of the next insertion. */
  sequence = 0;
  readonly #bias: number;
  #high = new Float64Array(INITIAL_CAPACITY);
  #low = new Float64Array(INITIAL_CAPACITY);
  #slotAt = new Int32Array(INITIAL_CAPACITY);
  /** By slot: the heap position, or −2 − (next free slot) while free. */
  #position = new Int32Array(INITIAL_CAPACITY);
  #slots = 0;
  #freeSlot = -1;
  /** Position 0 is vacant and `size + 1` positions are in use. */
  #hole = false;

  constructor(bias: number) {
    this.#bias = bias;
  }

  /** Slots ever handed out: every live slot is below it. */
  get slotCount(): number {
    return this.#slots;
  }

  isQueued(slot: number): boolean {
    return slot < this.#slots && (this.#position[slot] as number) >= 0;
  }

  /** Queues a new timer behind its equals and returns its slot. */
  insert(expires: bigint): number {
    const slot = this.#takeSlot();
    const sequence = this.#nextSequence();
    scratch64[0] = expires;
    const high32 = ((scratch32[HIGH] as number) ^ this.#bias) >>> 0;
    const low32 = scratch32[LOW] as number;
    const h = high32 * HIGH_SCALE + (low32 >>> LOW_BITS);
    const l = (low32 & LOW_MASK) * SEQUENCE_LIMIT + sequence;
    if (this.#hole) {
      this.#hole = false;
      this.size++;
      this.#siftDown(0, h, l, slot);
    } else {
      const position = this.size++;
      if (position === this.#high.length) this.#resizeHeap(position * 2);
      this.#siftUp(position, h, l, slot);
    }
    return slot;
  }

  /** Moves a queued timer to another expiry, behind its new equals: exactly a removal and an insertion. */
  update(slot: number, expires: bigint): void {
    if (this.#hole) this.#fillHole();
    const sequence = this.#nextSequence();
    scratch64[0] = expires;
    const high32 = ((scratch32[HIGH] as number) ^ this.#bias) >>> 0;
    const low32 = scratch32[LOW] as number;
    this.#place(
      this.#position[slot] as number,
      high32 * HIGH_SCALE + (low32 >>> LOW_BITS),
      (low32 & LOW_MASK) * SEQUENCE_LIMIT + sequence,
      slot,
    );
  }

  remove(slot: number): void {
    if (this.#hole) this.#fillHole();
    const position = this.#position[slot] as number;
    this.#releaseSlot(slot);
    const last = --this.size;
    if (position !== last) {
      this.#place(
        position,
        this.#high[last] as number,
        this.#low[last] as number,
        this.#slotAt[last] as number,
      );
    }
  }

  /** The slot of the earliest timer, −1 when empty. */
  first(): number {
    if (this.size === 0) return -1;
    if (this.#hole) this.#fillHole();
    return this.#slotAt[0] as number;
  }

  /** Takes the earliest timer out and returns the slot it had, −1 when empty. */
  pop(): number {
    const slot = this.first();
    if (slot < 0) return -1;
    this.#releaseSlot(slot);
    this.size--;
    this.#hole = true;
    return slot;
  }

  /** True if the earliest timer expires at or before `now`. */
  isFirstDue(now: bigint): boolean {
    if (this.first() < 0) return false;
    scratch64[0] = now;
    const high32 = ((scratch32[HIGH] as number) ^ this.#bias) >>> 0;
    const low32 = scratch32[LOW] as number;
    const nowHigh = high32 * HIGH_SCALE + (low32 >>> LOW_BITS);
    const h = this.#high[0] as number;
    // Every tie-breaker at the same expiry lies below the next expiry's first key.
    return (
      h < nowHigh || (h === nowHigh && (this.#low[0] as number) < ((low32 & LOW_MASK) + 1) * SEQUENCE_LIMIT)
    );
  }

  /** The expiry a queued slot was given, rebuilt from its key. */
  expires(slot: number): bigint {
    const position = this.#position[slot] as number;
    const h = this.#high[position] as number;
    // Divisions by powers of two and a difference instead of %, which is a library call on doubles.
    const high32 = Math.floor(h / HIGH_SCALE);
    scratch32[HIGH] = high32 ^ this.#bias;
    scratch32[LOW] =
      (h - high32 * HIGH_SCALE) * 2 ** LOW_BITS +
      Math.floor((this.#low[position] as number) / SEQUENCE_LIMIT);
    if (this.#bias === SIGNED_BIAS) return scratchSigned[0] as bigint;
    return scratch64[0] as bigint;
  }

  /** The queued slots in expiry order. */
  slotsInOrder(): number[] {
    return this.#positionsInOrder().map((position) => this.#slotAt[position] as number);
  }

  /** Free slots in the order they will be reused. */
  freeSlots(): number[] {
    const free: number[] = [];
    for (let slot = this.#freeSlot; slot >= 0; slot = -2 - (this.#position[slot] as number)) free.push(slot);
    return free;
  }

  /** Marks `slots` slots as known and exactly those of `free` as free; then {@link occupy} each of the others. */
  restoreSlots(slots: number, free: readonly number[]): void {
    while (this.#position.length < slots) this.#resizeSlots(this.#position.length * 2);
    this.#slots = slots;
    this.#freeSlot = -1;
    for (let i = free.length - 1; i >= 0; i--) this.#releaseSlot(free[i] as number);
  }

  /** Queues a given slot, which {@link restoreSlots} left unqueued, behind its equals. */
  occupy(slot: number, expires: bigint): void {
    const before = this.#freeSlot;
    this.#position[slot] = -2 - before;
    this.#freeSlot = slot;
    this.insert(expires);
  }

  /** Gives back memory beyond what the queued timers need; returns how many slots remain known. */
  shrink(): number {
    if (this.#hole && this.size > 0) this.#fillHole();
    this.#hole = false;
    this.#resizeHeap(Math.max(this.size, INITIAL_CAPACITY));
    let slots = this.#slots;
    while (slots > 0 && (this.#position[slots - 1] as number) < 0) slots--;
    const free = this.freeSlots().filter((slot) => slot < slots);
    this.#resizeSlots(Math.max(slots, INITIAL_CAPACITY));
    this.#slots = slots;
    this.#freeSlot = -1;
    for (let i = free.length - 1; i >= 0; i--) this.#releaseSlot(free[i] as number);
    return slots;
  }

  #nextSequence(): number {
    if (this.sequence === SEQUENCE_LIMIT) this.#renumber();
    return this.sequence++;
  }

  /** Gives the queued timers the sequences 0 … size−1 in their present order, which no comparison can notice. */
  #renumber(): void {
    if (this.#hole) this.#fillHole();
    const positions = this.#positionsInOrder();
    positions.forEach((position, sequence) => {
      const l = this.#low[position] as number;
      this.#low[position] = l - (l % SEQUENCE_LIMIT) + sequence;
    });
    this.sequence = positions.length;
  }

  #positionsInOrder(): number[] {
    if (this.#hole) this.#fillHole();
    const high = this.#high;
    const low = this.#low;
    return Array.from({ length: this.size }, (_, position) => position).sort(
      (a, b) => (high[a] as number) - (high[b] as number) || (low[a] as number) - (low[b] as number),
    );
  }

  #takeSlot(): number {
    const slot = this.#freeSlot;
    if (slot >= 0) {
      this.#freeSlot = -2 - (this.#position[slot] as number);
      return slot;
    }
    if (this.#slots === MAX_SLOTS) {
      throw new RangeError(`TimerQueue: expected at most ${MAX_SLOTS} queued timers, got one more`);
    }
    if (this.#slots === this.#position.length) this.#resizeSlots(this.#slots * 2);
    return this.#slots++;
  }

  #releaseSlot(slot: number): void {
    this.#position[slot] = -2 - this.#freeSlot;
    this.#freeSlot = slot;
  }

  /** Closes the hole with the last timer. */
  #fillHole(): void {
    this.#hole = false;
    const last = this.size;
    if (last > 0) {
      this.#siftDown(0, this.#high[last] as number, this.#low[last] as number, this.#slotAt[last] as number);
    }
  }

  #place(position: number, h: number, l: number, slot: number): void {
    if (position > 0) {
      const parent = (position - 1) >> 2;
      const parentHigh = this.#high[parent] as number;
      if (h < parentHigh || (h === parentHigh && l < (this.#low[parent] as number))) {
        this.#siftUp(position, h, l, slot);
        return;
      }
    }
    this.#siftDown(position, h, l, slot);
  }

  #siftUp(from: number, h: number, l: number, slot: number): void {
    const high = this.#high;
    const low = this.#low;
    const slotAt = this.#slotAt;
    const positionOf = this.#position;
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 2;
      const parentHigh = high[parent] as number;
      if (parentHigh < h || (parentHigh === h && (low[parent] as number) < l)) break;
      const moved = slotAt[parent] as number;
      high[position] = parentHigh;
      low[position] = low[parent] as number;
      slotAt[position] = moved;
      positionOf[moved] = position;
      position = parent;
    }
    high[position] = h;
    low[position] = l;
    slotAt[position] = slot;
    positionOf[slot] = position;
  }

  #siftDown(from: number, h: number, l: number, slot: number): void {
    const high = this.#high;
    const low = this.#low;
    const slotAt = this.#slotAt;
    const positionOf = this.#position;
    const size = this.size;
    let position = from;
    for (;;) {
      const firstChild = position * 4 + 1;
      if (firstChild >= size) break;
      const end = Math.min(firstChild + 4, size);
      let best = firstChild;
      let bestHigh = high[firstChild] as number;
      for (let child = firstChild + 1; child < end; child++) {
        const childHigh = high[child] as number;
        if (
          childHigh < bestHigh ||
          (childHigh === bestHigh && (low[child] as number) < (low[best] as number))
        ) {
          best = child;
          bestHigh = childHigh;
        }
      }
      if (h < bestHigh || (h === bestHigh && l < (low[best] as number))) break;
      const moved = slotAt[best] as number;
      high[position] = bestHigh;
      low[position] = low[best] as number;
      slotAt[position] = moved;
      positionOf[moved] = position;
      position = best;
    }
    high[position] = h;
    low[position] = l;
    slotAt[position] = slot;
    positionOf[slot] = position;
  }

  #resizeHeap(capacity: number): void {
    this.#high = resized(this.#high, new Float64Array(capacity));
    this.#low = resized(this.#low, new Float64Array(capacity));
    this.#slotAt = resized(this.#slotAt, new Int32Array(capacity));
  }

  #resizeSlots(capacity: number): void {
    this.#position = resized(this.#position, new Int32Array(capacity));
  }
}

function resized<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from.length > to.length ? from.subarray(0, to.length) : from);
  return to;
}
