import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLog } from "./log-file.js";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "chronovisor-log-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(process.platform === "win32")("readLog of a pipe that has nothing to give", () => {
  it("ends when it is interrupted", async () => {
    const pipe = join(directory, "pipe");
    execFileSync("sh", ["-c", `mkfifo "$0"`, pipe]);
    const controller = new AbortController();
    const taken: string[] = [];
    const reading = readLog(pipe, (text) => void taken.push(text), controller.signal);
    const writer = await open(pipe, "w");
    await writer.write("first\n");
    while (taken.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    const reason = new Error("interrupted");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    expect(taken).toEqual(["first\n"]);
    // The read that is under way in a thread ends with the pipe.
    await writer.close();
  });
});
