/**
 * The version that guards a structure in guest memory. A writer makes it odd, stores the fields, makes it even; a reader
 * takes what it read only if the version was even before and is the same after.
 *
 * The host derives the next version from what it finds in guest memory, so a guest that scribbles on it chooses the next.
 */

/** The odd version that opens an update over `found`: `(found + 1) | 1`, mod 2^32. An odd `found` is left behind by two. */
export function openedVersion(found: number): number {
  return ((found + 1) | 1) >>> 0;
}

/** The even version that closes the update opened by `opened`, mod 2^32. */
export function closedVersion(opened: number): number {
  return (opened + 1) >>> 0;
}
