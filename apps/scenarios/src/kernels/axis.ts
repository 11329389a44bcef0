/** A stable series that received a change later than its mainline parent. */
export interface Backport {
  /** As the parent is named: `v6.12`. */
  readonly series: string;
  /** The first release of the series known to have it: 64 is v6.12.64. */
  readonly patch: number;
  /**
   * Absent where the series announced it in this very release. `found-in`: found in this one, and none before was looked
   * at, so that earlier ones may have it too. `memory`: the release is from memory.
   */
  readonly known?: "found-in" | "memory";
}

/** A value an axis took from a release on. */
export interface AxisChange {
  readonly value: string;
  /** The first mainline release with it. */
  readonly since: string;
  readonly commit?: string;
  /** Other commits without which it would not be whole. */
  readonly with?: readonly string[];
  /** What one observes, in one line. */
  readonly effect: string;
  /** Where it stands among its release's changes, when their order matters: a commit that needs another comes after it. */
  readonly place?: number;
  readonly stable?: readonly Backport[];
  /** How it is known: the releases on either side that were read, or what else says so. */
  readonly known?: string;
  /** Its name among the proposals of docs/model/pvclock §10, where it was one. */
  readonly proposal?: string;
}

/**
 * What a value is that no release has of itself: posted and not merged; an option of releases, off by default; what the
 * processor's manual says where KVM departs from it; part of a fix, or a mistake, to show why it fails; seen on a running
 * kernel, and not traced to a release.
 */
export type AlternativeKind = "proposal" | "option" | "manual" | "mistake" | "observation";

/** A value no release has of itself: only who sets it gets it. */
export interface Alternative {
  readonly kind: AlternativeKind;
  readonly effect: string;
  /** Where it comes from: who proposed it and when, a section of the manual, a page here. */
  readonly source: string;
  /** Of an option: the first release that offers it. */
  readonly since?: string;
  readonly commit?: string;
  /** Its name among the proposals of docs/model/pvclock §10. */
  readonly proposal?: string;
}

/** Something that can differ between kernels. */
export interface Axis {
  readonly name: string;
  readonly title: string;
  /** Oldest first; the first entry holds from the start of the table. */
  readonly history: readonly AxisChange[];
  readonly alternatives?: Readonly<Record<string, Alternative>>;
  /** The machine does as it says, but no story turns on it: for guest programs, documents and the packages' own users. */
  readonly use?: "no-story";
  /** Where it is described, when that is not docs/model/kernel-history §1. */
  readonly source?: string;
}
