/** A release's numbers: `[6, 12, 64]` for v6.12.64, `[6, 12, 0]` for v6.12. */
export type KernelRelease = readonly [major: number, minor: number, patch: number];

/** What a name that says no release is taken for: newer than all that is known. */
export const NEWEST_RELEASE: KernelRelease = [Number.MAX_SAFE_INTEGER, 0, 0];

/** The release a kernel's name begins with: `v6.12.64 + tdcr=immediate`; the newest if it begins with none. */
export function releaseOf(kernel: string): KernelRelease {
  const match = /^\s*v?(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?/.exec(kernel);
  if (match === null) return NEWEST_RELEASE;
  const [, major, minor, patch = "0"] = match;
  return [Number(major), Number(minor), Number(patch)];
}

/** When a format came: with a mainline release, and with later ones of older stable series. */
export interface Since {
  readonly mainline: string;
  /** Stable releases that are known to have it; the first of their series may be older. */
  readonly stable?: readonly string[];
}

/** Whether `release` has what came with `since`. */
export function hasSince(release: KernelRelease, { mainline, stable = [] }: Since): boolean {
  const [major, minor, patch] = release;
  const [sinceMajor, sinceMinor] = releaseOf(mainline);
  if (major !== sinceMajor ? major > sinceMajor : minor >= sinceMinor) return true;
  return stable.some((name) => {
    const [stableMajor, stableMinor, stablePatch] = releaseOf(name);
    return major === stableMajor && minor === stableMinor && patch >= stablePatch;
  });
}
