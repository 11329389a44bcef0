import { checkInteger, checkOneOf } from "../arguments.js";

/** Where a mapping stands: never or no longer set; usable; taken away by the host until somebody who may sleep remaps it. */
export type GuestAreaMapping = "inactive" | "mapped" | "invalidated";

/** JSON form of a {@link GuestArea}. The bytes are the guest's memory, not the area's. */
export interface GuestAreaState {
  readonly mapping: GuestAreaMapping;
}

const MAPPINGS: readonly GuestAreaMapping[] = ["inactive", "mapped", "invalidated"];

/**
 * A stretch of guest memory that KVM writes directly (`gfn_to_pfn_cache`): little-endian, in one piece or, where it
 * straddles pages, several. The bytes stay the caller's, who sees every write at once.
 *
 * Access is for whoever checked {@link mapping} or called {@link refresh}.
 *
 * @example
 * const bytes = new Uint8Array(64);
 * const area = new GuestArea("vcpu_info", 64);
 * area.activate(bytes);
 * area.testAndSetBit(8, 13) // => false
 * bytes[9] // => 32
 * area.invalidate();
 * area.mapping // => 'invalidated'
 * area.refresh() // => true
 */
export class GuestArea {
  readonly #name: string;
  readonly #size: number;
  #mapping: GuestAreaMapping = "inactive";
  #pieces: readonly Uint8Array[] = [];

  /**
   * @param name - what the area is, for errors.
   * @param size - bytes it needs, 1 … 4096.
   * @throws RangeError or TypeError for another size.
   */
  constructor(name: string, size: number) {
    checkInteger("GuestArea", "size", size, 1, 4096);
    this.#name = name;
    this.#size = size;
  }

  /** Where the mapping stands. */
  get mapping(): GuestAreaMapping {
    return this.#mapping;
  }

  /** Bytes the mapping holds; 0 while inactive. */
  get length(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.length, 0);
  }

  /**
   * Maps the area.
   *
   * @param pieces - its bytes in order.
   * @throws TypeError for anything but Uint8Arrays, RangeError when they hold fewer bytes than the area.
   */
  activate(...pieces: readonly Uint8Array[]): void {
    const fn = "GuestArea.activate";
    if (!pieces.every((piece) => piece instanceof Uint8Array)) {
      throw new TypeError(`${fn}: expected ${this.#name} to be Uint8Arrays`);
    }
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length < this.#size) {
      throw new RangeError(`${fn}: expected ${this.#name} to hold ${this.#size} bytes, got ${length}`);
    }
    this.#pieces = pieces;
    this.#mapping = "mapped";
  }

  /** Takes the area away for good. */
  deactivate(): void {
    this.#pieces = [];
    this.#mapping = "inactive";
  }

  /** The host moves or swaps the page: unusable until {@link refresh}. */
  invalidate(): void {
    if (this.#mapping === "mapped") this.#mapping = "invalidated";
  }

  /** Maps an invalidated area again; false when there is none. */
  refresh(): boolean {
    if (this.#mapping === "invalidated") this.#mapping = "mapped";
    return this.#mapping === "mapped";
  }

  /** Bit `bit` of the bitmap at byte `offset`. Words are little-endian, so bitmaps of u32 and u64 are read alike. */
  testBit(offset: number, bit: number): boolean {
    return (this.readU8(offset + (bit >> 3)) & (1 << (bit & 7))) !== 0;
  }

  /** Sets a bit of the bitmap at byte `offset`; whether it was set before. */
  testAndSetBit(offset: number, bit: number): boolean {
    const at = offset + (bit >> 3);
    const old = this.readU8(at);
    this.writeU8(at, old | (1 << (bit & 7)));
    return (old & (1 << (bit & 7))) !== 0;
  }

  /** The byte at `offset`. */
  readU8(offset: number): number {
    const { piece, index } = this.#locate(offset);
    return piece[index] as number;
  }

  /** Writes the low 8 bits of `value` at `offset`. */
  writeU8(offset: number, value: number): void {
    const { piece, index } = this.#locate(offset);
    piece[index] = value;
  }

  /** The u32 at `offset`. */
  readU32(offset: number): number {
    let value = 0;
    for (let i = 3; i >= 0; i--) value = value * 256 + this.readU8(offset + i);
    return value;
  }

  /** Writes the low 32 bits of `value` at `offset`. */
  writeU32(offset: number, value: number): void {
    for (let i = 0; i < 4; i++) this.writeU8(offset + i, value >>> (8 * i));
  }

  /** The u64 at `offset`. */
  readU64(offset: number): bigint {
    return (BigInt(this.readU32(offset + 4)) << 32n) | BigInt(this.readU32(offset));
  }

  /** Writes the low 64 bits of `value` at `offset`. */
  writeU64(offset: number, value: bigint): void {
    this.writeU32(offset, Number(BigInt.asUintN(32, value)));
    this.writeU32(offset + 4, Number(BigInt.asUintN(32, value >> 32n)));
  }

  /** A JSON-safe copy of where the mapping stands. */
  state(): GuestAreaState {
    return { mapping: this.#mapping };
  }

  /**
   * Brings the area to where `state` was taken, over the same or copied bytes.
   *
   * @param state - what {@link state} gave.
   * @param pieces - its bytes; unused when the area was inactive.
   * @throws RangeError or TypeError for an unknown mapping, or too few bytes for an area that was active.
   */
  restore(state: GuestAreaState, pieces: readonly Uint8Array[]): void {
    checkOneOf("GuestArea.restore", `the mapping of ${this.#name}`, state.mapping, MAPPINGS);
    this.deactivate();
    if (state.mapping === "inactive") return;
    this.activate(...pieces);
    if (state.mapping === "invalidated") this.invalidate();
  }

  /**
   * An area as `state` found one.
   *
   * @param name - what the area is, for errors.
   * @param size - bytes it needs, 1 … 4096.
   * @param state - what {@link state} gave.
   * @param pieces - its bytes.
   * @throws as the constructor and {@link restore}.
   */
  static fromState(
    name: string,
    size: number,
    state: GuestAreaState,
    pieces: readonly Uint8Array[],
  ): GuestArea {
    const area = new GuestArea(name, size);
    area.restore(state, pieces);
    return area;
  }

  #locate(offset: number): { readonly piece: Uint8Array; readonly index: number } {
    let index = offset;
    for (const piece of this.#pieces) {
      if (index >= 0 && index < piece.length) return { piece, index };
      index -= piece.length;
    }
    throw new RangeError(`GuestArea: expected an offset inside ${this.#name}, got ${offset}`);
  }
}
