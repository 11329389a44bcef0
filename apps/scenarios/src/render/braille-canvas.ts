/** Bits of U+2800 … U+28FF by row and column of the 4 × 2 dots of a cell (Unicode chapter 21, Braille patterns). */
const DOTS: ReadonlyArray<readonly [number, number]> = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];
const BRAILLE_BLANK = 0x2800;

export const DOTS_PER_CELL_X = 2;
export const DOTS_PER_CELL_Y = 4;

/** Dots in a grid of character cells, each cell 2 dots wide and 4 high. Row 0 is on top. */
export class BrailleCanvas {
  readonly widthDots: number;
  readonly heightDots: number;
  readonly #columns: number;
  readonly #cells: Uint8Array;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#cells = new Uint8Array(columns * rows);
    this.widthDots = columns * DOTS_PER_CELL_X;
    this.heightDots = rows * DOTS_PER_CELL_Y;
  }

  /** Sets a dot; one outside the grid is not drawn. */
  set(x: number, y: number): void {
    if (x < 0 || x >= this.widthDots || y < 0 || y >= this.heightDots) return;
    const cell = Math.floor(y / DOTS_PER_CELL_Y) * this.#columns + Math.floor(x / DOTS_PER_CELL_X);
    const bit = DOTS[y % DOTS_PER_CELL_Y]?.[x % DOTS_PER_CELL_X] ?? 0;
    this.#cells[cell] = (this.#cells[cell] ?? 0) | bit;
  }

  /** The dots of one cell, as the low byte of its character. */
  bitsAt(column: number, row: number): number {
    return this.#cells[row * this.#columns + column] ?? 0;
  }
}

/** The character that shows `bits`; a space where there are none, so that copied text stays clean. */
export function brailleCharacter(bits: number): string {
  return bits === 0 ? " " : String.fromCharCode(BRAILLE_BLANK + bits);
}
