/** A digest of text as UTF-8, SHA-256 for JSON Lines. A package without a platform has none: it is passed in. */
export interface TextDigest {
  /** Takes the next piece of text in. */
  update(text: string): void;
  /** The digest of everything so far, in lower-case hexadecimal. Called once, at the end. */
  hex(): string;
}
