/** The sign of a negative number that is read: as wide as a plus sign. What is typed has a hyphen; both are understood. */
export const MINUS = "\u2212";
