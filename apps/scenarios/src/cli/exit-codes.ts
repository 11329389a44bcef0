/** What a command says to the shell. */
export const EXIT = {
  /** Everything that was expected held. */
  held: 0,
  /** An expectation did not hold. */
  broken: 1,
  /** The request was wrong: one line on standard error, nothing on standard output. */
  request: 2,
  /** A bug in this program (EX_SOFTWARE of sysexits): the only exit with a stack trace. */
  internal: 70,
  /** Ctrl-C: 128 + SIGINT. */
  interrupted: 130,
} as const;
