import { hasSince, type KernelRelease, type Since } from "./kernel-release.js";
import { type PayloadFormat, Tracepoint } from "./tracepoint.js";

/**
 * The kernel's timer tracepoints, as `include/trace/events/timer.h` prints them, newest format first, and as libtraceevent's hrtimer
 * plugin does (docs/model/trace-formats §3.4). They are `key=value` pairs and are read in any order. Times of hrtimers are signed and
 * printed unsigned.
 */

const timer = (name: string, ...formats: ReadonlyArray<string | PayloadFormat>): Tracepoint =>
  new Tracepoint(
    name,
    "pairs",
    formats.map((format) => (typeof format === "string" ? { dialect: "kernel", template: format } : format)),
  );

const library = (template: string): PayloadFormat => ({ dialect: "library", template });

const HRTIMER = "hrtimer={hrtimer:p}";
const HRTIMER_INIT = `${HRTIMER} clockid={clockId:word} mode={mode:word}`;
const HRTIMER_START = `${HRTIMER} function={function:f} expires={expires:s64} softexpires={softExpires:s64}`;
const TIMER_END = "cpu={cpu:u} idx={index:u} flags={flags:word}";
const TIMER_START = "timer={timer:p} function={function:f} expires={expires:u} [timeout={timeout:d}]";

/** hrtimer_start says whether the timer was armed (f2e388a019e4); before, a cancellation in the log stood for it. */
const WAS_ARMED: Since = { mainline: "v7.1", stable: ["v6.1.192", "v6.12.117"] };

/** Whether the start of an armed hrtimer is one event in a release's log, rather than a cancellation and a start. */
export function hasWasArmed(release: KernelRelease): boolean {
  return hasSince(release, WAS_ARMED);
}

export const TIMER_TRACEPOINTS: readonly Tracepoint[] = [
  timer("hrtimer_init", HRTIMER_INIT),
  timer("hrtimer_setup", HRTIMER_INIT),
  timer(
    "hrtimer_start",
    {
      dialect: "kernel",
      template: `${HRTIMER_START} mode={mode:word} was_armed={wasArmed:d}`,
      since: WAS_ARMED,
    },
    { dialect: "kernel", template: `${HRTIMER_START} mode={mode:word}`, since: { mainline: "v4.16" } },
    HRTIMER_START,
    library(HRTIMER_START),
  ),
  timer(
    "hrtimer_expire_entry",
    `${HRTIMER} function={function:f} now={now:s64}`,
    library(`${HRTIMER} now={now:s64} function={function:f}`),
  ),
  timer("hrtimer_expire_exit", HRTIMER),
  timer("hrtimer_cancel", HRTIMER),
  timer(
    "timer_start",
    {
      dialect: "kernel",
      template: `${TIMER_START} bucket_expiry={bucketExpiry:u} ${TIMER_END}`,
      since: { mainline: "v6.2" },
    },
    `${TIMER_START} ${TIMER_END}`,
  ),
  timer("timer_expire_entry", "timer={timer:p} function={function:f} now={now:u} baseclk={baseClock:u}"),
  timer("timer_expire_exit", "timer={timer:p}"),
  timer("timer_cancel", "timer={timer:p}"),
  timer("timer_init", "timer={timer:p}"),
  timer("timer_base_idle", "is_idle={isIdle:d} cpu={cpu:d}"),
  timer("tick_stop", "success={success:d} dependency={dependency:word}"),
  timer("itimer_state", "which={which:d} expires={expires:u} it_value={value:us} it_interval={interval:us}"),
  timer("itimer_expire", "which={which:d} pid={pid:d} now={now:u}"),
];
