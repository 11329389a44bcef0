import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { progressLine, progressText } from "./progress-line.js";

class Screen extends Writable {
  readonly isTTY = true;
  readonly columns = 80;
  text = "";
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Erase in line, the whole line (ECMA-48 EL 2). */
const ERASE_LINE = "\u001b[2K";

const SECOND = 1_000_000_000n;
const at = (seconds: bigint, total: bigint) => ({
  simulatedNs: seconds * SECOND,
  totalNs: total * SECOND,
  ticks: 0n,
});

it("says what, the share done, simulated time, rate and time left", () => {
  expect(progressText("run x", 250, 150n * SECOND, 2_000)).toBe(
    "run x · 25 % · 150 s simulated · 75× real time · 6 s left",
  );
  expect(progressText("run x", 0, 0n, 1_000)).toBe("run x · 0 % · 0 ns simulated · 0× real time");
});

it("waits a second, counts all jobs, and erases itself", () => {
  const screen = new Screen();
  let ms = 0;
  const line = progressLine(screen, "compare x", 2, () => ms);
  ms = 999;
  line.update(0, at(10n, 100n));
  expect(screen.text).toBe("");
  ms = 1_000;
  line.update(1, at(30n, 100n));
  expect(screen.text).toContain("compare x · 20 % · 40 s simulated · 40× real time · 4 s left");
  line.stop();
  expect(screen.text.endsWith(ERASE_LINE)).toBe(true);
  const stopped = screen.text;
  line.update(0, at(90n, 100n));
  expect(screen.text).toBe(stopped);
});

it("draws nothing where nobody watches", () => {
  const line = progressLine(undefined, "run x", 1, () => 5_000);
  line.update(0, at(1n, 2n));
  line.stop();
});
