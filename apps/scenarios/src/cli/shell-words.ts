/** A word of a command line as a shell takes it for one. */
function quoted(word: string): string {
  return /^[\w=.,:+/-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line to be typed: words with spaces and signs in quotes. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoted).join(" ");
}
