import fs from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChronovisorError } from "../errors.js";
import { Interrupted } from "./main.js";
import { replaceFile, writeFile } from "./write-file.js";

/** Nobody: the superuser may write everywhere. */
const NOBODY = 65_534;

const never = new AbortController().signal;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "write-file-"));
});
afterEach(async () => {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
  await rm(directory, { recursive: true });
});

/** Has the system answer `writeSync` as `answer` does. */
function stubWrites(answer: (write: typeof fs.writeSync, calls: number) => typeof fs.writeSync): void {
  const { writeSync } = fs;
  let calls = 0;
  vi.spyOn(fs, "writeSync").mockImplementation((...args: Parameters<typeof fs.writeSync>) =>
    answer(writeSync, calls++)(...args),
  );
  syncBuiltinESMExports();
}

function systemError(code: string, reason: string): never {
  throw Object.assign(new Error(`${code}: ${reason}, write`), { code });
}

/** Carries `work` out as somebody who may not write everywhere. */
async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  const user = process.geteuid?.();
  if (user !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}

describe("a file that is written", () => {
  it("is there when it is whole, and nothing is beside it", async () => {
    const path = join(directory, "trace.json");
    const result = await writeFile(path, never, async (write) => {
      write("Grüße");
      expect(await readdir(directory)).toEqual([expect.stringMatching(/^\.chronovisor-\d+-0\.part$/)]);
      write(Uint8Array.of(0x21, 0x0a));
      return 7;
    });
    expect(result).toBe(7);
    expect(await readFile(path, "utf8")).toBe("Grüße!\n");
    expect(await readdir(directory)).toEqual(["trace.json"]);
  });

  it("is whole where the system takes a byte at a time", async () => {
    stubWrites((write) => (file, bytes, at) => write(file, bytes as Uint8Array, at as number, 1));
    const path = join(directory, "trace.json");
    await writeFile(path, never, (write) => write("byte by byte"));
    expect(await readFile(path, "utf8")).toBe("byte by byte");
  });

  it("takes the place of an old one, keeps who may read it, and leaves a link a link", async () => {
    const path = join(directory, "old");
    fs.writeFileSync(path, "a much longer old file", { mode: 0o600 });
    fs.symlinkSync("old", join(directory, "link"));
    await writeFile(join(directory, "link"), never, (write) => write("new"));
    expect(await readFile(path, "utf8")).toBe("new");
    expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    expect(fs.readlinkSync(join(directory, "link"))).toBe("old");
  });

  it("steps over what a killed process left", async () => {
    fs.writeFileSync(join(directory, `.chronovisor-${process.pid}-0.part`), "left over");
    await writeFile(join(directory, "trace.json"), never, (write) => write("new"));
    expect((await readdir(directory)).sort()).toEqual([`.chronovisor-${process.pid}-0.part`, "trace.json"]);
  });

  it("may be a device, which stays one", async () => {
    await writeFile("/dev/null", never, (write) => write("gone"));
    expect(fs.statSync("/dev/null").isCharacterDevice()).toBe(true);
  });

  it("may be filled by somebody else", async () => {
    const path = join(directory, "trace.json");
    await replaceFile(path, never, (part) => fs.writeFileSync(part, "from a worker"));
    expect(await readFile(path, "utf8")).toBe("from a worker");
  });
});

describe("a file that cannot be written", () => {
  it("is one line where the directory is read-only", async () => {
    fs.chmodSync(directory, 0o555);
    const path = join(directory, "trace.json");
    const attempt = unprivileged(() => writeFile(path, never, (write) => write("x")));
    await expect(attempt).rejects.toThrow(
      new ChronovisorError(`${path}: cannot be written: permission denied`),
    );
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    ["there is no directory", "no/such/trace.json", "no such file or directory"],
    ["it is a directory", ".", "is a directory"],
    ["its directory is a file", "file/trace.json", "not a directory"],
  ])("is one line where %s", async (_, name, reason) => {
    fs.writeFileSync(join(directory, "file"), "");
    const path = join(directory, name);
    const attempt = writeFile(path, never, (write) => write("x"));
    await expect(attempt).rejects.toThrow(new ChronovisorError(`${path}: cannot be written: ${reason}`));
    expect(await readdir(directory)).toEqual(["file"]);
  });

  it("is one line where the disk fills up, and the old one stays", async () => {
    const path = join(directory, "trace.json");
    fs.writeFileSync(path, "old");
    stubWrites((write, calls) =>
      calls < 2 ? write : () => systemError("ENOSPC", "no space left on device"),
    );
    const attempt = writeFile(path, never, (write) => {
      for (let i = 0; i < 5; i++) write("x".repeat(1_000));
    });
    await expect(attempt).rejects.toThrow(
      new ChronovisorError(`${path}: cannot be written: no space left on device`),
    );
    expect(await readdir(directory)).toEqual(["trace.json"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it("is one line where the disk says only at the end that it is full", async () => {
    vi.spyOn(fs, "fsyncSync").mockImplementation(() => systemError("EDQUOT", "disk quota exceeded"));
    syncBuiltinESMExports();
    const path = join(directory, "trace.json");
    const attempt = writeFile(path, never, (write) => write("x"));
    await expect(attempt).rejects.toThrow(
      new ChronovisorError(`${path}: cannot be written: disk quota exceeded`),
    );
    expect(await readdir(directory)).toEqual([]);
  });
});

describe("a write that does not come to its end", () => {
  it("leaves nothing behind when it is interrupted between pieces", async () => {
    const controller = new AbortController();
    let pieces = 0;
    const attempt = writeFile(join(directory, "trace.json"), controller.signal, async (write) => {
      for (;;) {
        write("x");
        pieces += 1;
        if (pieces === 3) controller.abort(new Interrupted("interrupted"));
        await Promise.resolve();
      }
    });
    await expect(attempt).rejects.toThrow(Interrupted);
    expect(pieces).toBe(3);
    expect(await readdir(directory)).toEqual([]);
  });

  it("leaves nothing behind when it was interrupted at the last piece", async () => {
    const controller = new AbortController();
    const attempt = writeFile(join(directory, "trace.json"), controller.signal, (write) => {
      write("x");
      controller.abort(new Interrupted("interrupted"));
    });
    await expect(attempt).rejects.toThrow(Interrupted);
    expect(await readdir(directory)).toEqual([]);
  });

  it("does not begin when it was interrupted before", async () => {
    let begun = "no";
    const attempt = writeFile(
      join(directory, "trace.json"),
      AbortSignal.abort(new Interrupted("early")),
      () => {
        begun = "yes";
      },
    );
    await expect(attempt).rejects.toThrow(Interrupted);
    expect(begun).toBe("no");
  });

  it("leaves nothing behind, and the old one as it was, when what is written fails", async () => {
    const path = join(directory, "trace.json");
    fs.writeFileSync(path, "old");
    const attempt = writeFile(path, never, (write) => {
      write("half");
      throw new RangeError("a bug");
    });
    await expect(attempt).rejects.toThrow(new RangeError("a bug"));
    expect(await readdir(directory)).toEqual(["trace.json"]);
    expect(await readFile(path, "utf8")).toBe("old");
  });
});
