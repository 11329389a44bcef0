const REPLACEMENT = 0xfffd;

/** The most bytes that `length` UTF-16 units become: three each, since a pair of them becomes four. */
export function utf8Bound(length: number): number {
  return 3 * length;
}

/**
 * Writes `text` as UTF-8 into `out` from `at` on, and tells where it ends. A surrogate without its pair becomes U+FFFD.
 *
 * A package without a platform has no `TextEncoder`.
 */
export function writeUtf8(out: Uint8Array, at: number, text: string): number {
  let end = at;
  let i = 0;
  // Almost every text is ASCII to its end.
  for (let unit = text.charCodeAt(0); unit < 0x80; unit = text.charCodeAt(++i)) out[end++] = unit;
  for (; i < text.length; i++) {
    let point = text.codePointAt(i) ?? REPLACEMENT;
    if (point > 0xffff) i++;
    else if (point >= 0xd800 && point <= 0xdfff) point = REPLACEMENT;
    if (point < 0x80) {
      out[end++] = point;
    } else if (point < 0x800) {
      out[end++] = 0xc0 | (point >> 6);
      out[end++] = 0x80 | (point & 0x3f);
    } else if (point < 0x1_0000) {
      out[end++] = 0xe0 | (point >> 12);
      out[end++] = 0x80 | ((point >> 6) & 0x3f);
      out[end++] = 0x80 | (point & 0x3f);
    } else {
      out[end++] = 0xf0 | (point >> 18);
      out[end++] = 0x80 | ((point >> 12) & 0x3f);
      out[end++] = 0x80 | ((point >> 6) & 0x3f);
      out[end++] = 0x80 | (point & 0x3f);
    }
  }
  return end;
}
