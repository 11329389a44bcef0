import { describe, expect, it } from "vitest";
import { hexBytes, toHex } from "./hex-bytes.js";

describe("bytes in a row", () => {
  it("are read and written byte 0 first", () => {
    const bytes = hexBytes({ page: "00ff0a80" }, "page");
    expect([...bytes]).toEqual([0, 255, 10, 128]);
    expect(toHex(bytes)).toBe("00ff0a80");
    expect(hexBytes({ page: "" }, "page")).toHaveLength(0);
  });

  it.each(["0", "0g", "0x00", "FF"])("are refused as %s", (page) => {
    expect(() => hexBytes({ page }, "page")).toThrow('column "page": expected bytes in lower-case hex');
  });
});
