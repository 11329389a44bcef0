import type { PayloadDialect } from "./conversions.js";
import { hasSince, type KernelRelease, type Since } from "./kernel-release.js";
import { PairReader } from "./pairs.js";
import {
  type Fields,
  formatPieces,
  type PayloadReading,
  type Piece,
  piecesOf,
  TemplateReader,
} from "./template.js";

/** One format a tracepoint had: its text with the fields in it, who prints it, and from which release on. */
export interface PayloadFormat {
  readonly dialect: PayloadDialect;
  readonly template: string;
  readonly since?: Since;
}

/** How a payload is laid out: pieces in order, or `key=value` pairs in any. */
export type PayloadLayout = "pieces" | "pairs";

interface CompiledFormat extends PayloadFormat {
  readonly pieces: readonly Piece[];
  readonly reader: TemplateReader;
}

/** A kernel tracepoint whose text can be written and read. */
export class Tracepoint {
  readonly name: string;
  /** The formats it had, newest first. */
  readonly formats: readonly PayloadFormat[];
  readonly #since: Since | undefined;
  readonly #compiled: readonly CompiledFormat[];
  readonly #pairs: PairReader | undefined;

  /** @param since - the release that brought it, where there is an older one in the tables that has not. */
  constructor(name: string, layout: PayloadLayout, formats: readonly PayloadFormat[], since?: Since) {
    this.name = name;
    this.formats = formats;
    this.#since = since;
    this.#compiled = formats.map((format) => {
      const pieces = piecesOf(format.template);
      return { ...format, pieces, reader: new TemplateReader(pieces) };
    });
    this.#pairs = layout === "pairs" ? new PairReader(this.#compiled.map(({ pieces }) => pieces)) : undefined;
  }

  /** Whether a kernel has it. */
  isIn(release: KernelRelease): boolean {
    return this.#since === undefined || hasSince(release, this.#since);
  }

  /**
   * Prints fields as `release` does, or as libtraceevent does where it has a format of its own.
   *
   * @throws TypeError for a field that is missing.
   */
  format(fields: Fields, dialect: PayloadDialect, release: KernelRelease): string {
    const has = ({ since }: PayloadFormat): boolean => since === undefined || hasSince(release, since);
    const format =
      this.#compiled.find((candidate) => candidate.dialect === dialect && has(candidate)) ??
      this.#compiled.find((candidate) => candidate.dialect === "kernel" && has(candidate));
    if (format === undefined) throw new TypeError(`Tracepoint.format: expected a format of ${this.name}`);
    return formatPieces(format.pieces, fields, dialect);
  }

  /** Reads a payload in whichever format it is; `undefined` for another text. */
  read(payload: string): PayloadReading | undefined {
    if (this.#pairs !== undefined) {
      const fields = this.#pairs.read(payload);
      // Pairs look alike in both dialects but for pointers, which the library prints with 0x.
      return fields && { fields, dialect: /timer=0x/.test(payload) ? "library" : "kernel" };
    }
    for (const { reader, dialect } of this.#compiled) {
      const fields = reader.read(payload);
      if (fields !== undefined) return { fields, dialect };
    }
    return undefined;
  }

  /** How many characters of a payload that cannot be read agree with a format; not fast. */
  mismatchAt(payload: string): number {
    if (this.#pairs !== undefined) return this.#pairs.mismatchAt(payload);
    return Math.max(...this.#compiled.map(({ reader }) => reader.mismatchAt(payload)));
  }
}
