import { describe, expect, it } from "vitest";
import { processTerminal, type Terminal } from "./terminal.js";

interface Streams {
  readonly out?: object;
  readonly err?: object;
  readonly env?: Record<string, string>;
}

function terminal({ out = {}, err = {}, env = {} }: Streams): Terminal {
  return processTerminal({ stdout: out, stderr: err, env } as unknown as NodeJS.Process);
}

const tty = { isTTY: true, columns: 132 };

describe("processTerminal", () => {
  it.each<[Streams, "on" | "off"]>([
    [{ out: tty }, "on"],
    [{}, "off"],
    [{ err: tty }, "off"],
    [{ out: tty, env: { NO_COLOR: "1" } }, "off"],
    [{ out: tty, env: { NO_COLOR: "" } }, "on"],
    [{ out: tty, env: { TERM: "dumb" } }, "off"],
  ])("with %j has colour %s", (streams, colour) => {
    expect(terminal(streams).colour).toBe(colour);
  });

  it("lays out for the terminal, and for 80 columns without one", () => {
    expect(terminal({ out: tty }).columns).toBe(132);
    expect(terminal({ err: tty }).columns).toBe(80);
    // A terminal that was never told its size says 0 columns.
    expect(terminal({ out: { isTTY: true, columns: 0 } }).columns).toBe(80);
  });

  it("draws progress on a terminal's standard error only", () => {
    expect(terminal({ err: tty }).progress).toBe(tty);
    expect(terminal({ out: tty }).progress).toBeUndefined();
    expect(terminal({ err: tty, env: { TERM: "dumb" } }).progress).toBeUndefined();
  });

  it("writes to the stream that was asked for", () => {
    const written: string[] = [];
    const stream = (name: string) => ({ write: (text: string) => written.push(`${name}:${text}`) });
    const { out, err } = terminal({ out: stream("out"), err: stream("err") });
    out("a");
    err("b");
    expect(written).toEqual(["out:a", "err:b"]);
  });
});
