import * as fc from "fast-check";
import { parseFragment, serialize } from "parse5";
import { describe, expect, it } from "vitest";
import { coordinate, element, styleElement } from "./markup.js";

const HOSTILE = `</p><script>alert(1)</script><img src=x onerror="alert(1)">&amp;'"\u0000`;

const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("<", ">", "&", '"', "'", "\u00a0", "/", "a", "\ud800", "\r") }),
);

describe("element", () => {
  it("escapes what is text and keeps what is markup", () => {
    const inner = element("b", {}, "2 > 1");
    expect(element("p", { title: 'a "b"' }, "x & ", inner).html).toBe(
      '<p title="a &quot;b&quot;">x &amp; <b>2 &gt; 1</b></p>',
    );
  });

  it("leaves out undefined attributes and children, and flattens lists", () => {
    expect(element("ul", { id: undefined }, ["a", [undefined, "b"]]).html).toBe("<ul>ab</ul>");
  });

  it("writes no end of a void element", () => {
    expect(element("br", {}).html).toBe("<br>");
  });

  it("makes no element and no attribute of a hostile text", () => {
    const { childNodes } = parseFragment(element("p", { title: HOSTILE }, HOSTILE).html);
    expect(childNodes).toHaveLength(1);
    expect(childNodes[0]).toMatchObject({
      nodeName: "p",
      attrs: [{ name: "title", value: HOSTILE.replace("\u0000", "\ufffd") }],
      childNodes: [{ nodeName: "#text", value: HOSTILE.replace("\u0000", "\ufffd") }],
    });
  });

  it("is what a parser makes of it and writes again, whatever the text", () => {
    fc.assert(
      fc.property(anyText, anyText, (text, title) => {
        const { html } = element("p", { title }, element("b", {}, text));
        expect(serialize(parseFragment(html))).toBe(html);
      }),
    );
  });
});

it.each<[number, string]>([
  [0, "0"],
  [-0, "0"],
  [-0.001, "0"],
  [12.345678, "12.35"],
  [100, "100"],
  [1e6, "1000000"],
])("a coordinate of %d is %s", (value, text) => {
  expect(coordinate(value)).toBe(text);
});

it("a style sheet cannot end itself", () => {
  expect(styleElement("p > a { color: red }").html).toBe("<style>p > a { color: red }</style>");
  expect(() => styleElement("</style>")).toThrow(RangeError);
});
