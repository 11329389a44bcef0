/** What a log has between its events. */
export type Chatter =
  /** A line that belongs there: a header, a stack, nothing. */
  | { readonly kind: "expected" }
  /** The tracer's word that it could not keep up; `undefined` where it does not say by how many events. */
  | { readonly kind: "lost"; readonly cpu: number; readonly events: bigint | undefined };

/** `CPU:3 [LOST 12 EVENTS]`, `CPU:0 [LOST EVENTS]`, trace-cmd's `CPU:3 [12 EVENTS DROPPED]`. */
const LOST = /^\s*CPU:(\d{1,5}) \[(?:LOST (?:(\d{1,19}) )?EVENTS|(?:(\d{1,19}) )?EVENTS DROPPED)\]/;

const EXPECTED: readonly RegExp[] = [
  // Nothing, and headers: `# tracer: nop`, `cpus=8`, trace-cmd's `version = 7`.
  /^\s*(?:#|$)/,
  /^(?:cpus=\d|version = |CPU \d+ is empty)/,
  // Stacks: of tracefs and trace-cmd ` => apic_timer_fn`, under `<stack trace>`; of perf `  ffffffff8101 apic_timer_fn+0x0 ([kvm])`.
  /^\s*=> /,
  /: <(?:user )?stack trace>\s*$/,
  /^\s+[0-9a-f]{4,16} \S.*\)\s*$/,
  // perf prints what the kernel lost in a line of its own thread.
  /PERF_RECORD_LOST/,
];

/** What a line that is no event is; `undefined` for one that a log does not have. */
export function readChatter(line: string): Chatter | undefined {
  const lost = LOST.exec(line);
  if (lost !== null) {
    const [, cpu, before, after] = lost;
    const events = before ?? after;
    return { kind: "lost", cpu: Number(cpu), events: events === undefined ? undefined : BigInt(events) };
  }
  return EXPECTED.some((regex) => regex.test(line)) ? { kind: "expected" } : undefined;
}
