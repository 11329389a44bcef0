import { describe, expect, it } from "vitest";
import { formatQuantity } from "../../units/format-quantity.js";
import { metronomeStory } from "./fixtures/metronome-story.js";
import { attribute, readPage, textOf } from "./fixtures/read-page.js";
import { renderReport } from "./report.js";

const page = renderReport([metronomeStory()]);
const read = readPage(page);

describe("the page", () => {
  it("is well formed: a parser objects to nothing and would write the same bytes", () => {
    expect(read.errors).toEqual([]);
    expect(read.again).toBe(page);
  });

  it("is the same bytes for the same runs", () => {
    expect(renderReport([metronomeStory()])).toBe(page);
  });

  it.each(["script", "link", "img", "image", "iframe", "object", "embed", "base", "form", "use"])(
    "has no %s, so that it needs nothing but itself",
    (name) => {
      expect(read.named(name)).toEqual([]);
    },
  );

  it("fetches nothing, and a browser is told to let it fetch nothing", () => {
    const fetching = ["src", "srcset", "xlink:href", "data", "poster", "action", "background", "ping"];
    expect(read.elements.flatMap(({ attrs }) => attrs.filter(({ name }) => fetching.includes(name)))).toEqual(
      [],
    );
    expect(read.named("style").map(textOf).join("")).not.toMatch(/url\(|@import/);
    const policies = read
      .named("meta")
      .filter((meta) => attribute(meta, "http-equiv") === "Content-Security-Policy");
    expect(policies.map((meta) => attribute(meta, "content"))).toEqual([
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    ]);
  });

  it("links to its own stories, to the files beside it, and to the sources that have an address", () => {
    expect(read.named("a").map((link) => attribute(link, "href"))).toEqual([
      "#story-metronome",
      "./metronome.json",
      "https://example.org/patch",
    ]);
    expect(read.elements.filter((element) => attribute(element, "id") === "story-metronome")).toHaveLength(1);
  });

  it("has one h1, and no heading more than a level below the one before", () => {
    const levels = read.elements.flatMap(({ tagName }) =>
      /^h\d$/.test(tagName) ? [Number(tagName[1])] : [],
    );
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1)).toEqual([]);
  });

  it("says of every head of a table what it is the head of", () => {
    expect(read.named("th").length).toBeGreaterThan(20);
    expect(read.named("th").filter((head) => !/^(row|col)$/.test(attribute(head, "scope") ?? ""))).toEqual(
      [],
    );
    expect(read.named("caption")).toHaveLength(read.named("table").length);
  });
});

describe("what a story says", () => {
  const { scenario, columns } = metronomeStory();

  it("has its title, story, fix, verdicts, sources and command", () => {
    const { title, story, fix, sources, verdict } = scenario;
    const verdicts = columns.map(({ result }) => verdict(result, result.kernel));
    const words = sources.flatMap((source) => [source.title, source.commit ?? ""]);
    for (const text of [title, story, fix, ...verdicts, ...words, "chronovisor compare metronome --json"]) {
      expect(read.text).toContain(text);
    }
  });

  it("has every observation of every run, the exact figure too", () => {
    const exact = read.named("data").map((data) => [attribute(data, "value"), textOf(data)]);
    for (const { result } of columns) {
      for (const quantity of Object.values(result.observations)) {
        if (quantity === undefined) continue;
        const text = formatQuantity(quantity.value, quantity.unit);
        if (typeof quantity.value === "bigint")
          expect(exact).toContainEqual([quantity.value.toString(), text]);
        else expect(read.named("td").map(textOf).join("|")).toContain(text);
      }
    }
  });

  it("has every figure of the runs' tables", () => {
    const values = read.named("data").map((data) => attribute(data, "value"));
    const figures = columns.flatMap(({ result }) =>
      Object.values(result.tables).flatMap(({ rows }) => rows.flat()),
    );
    expect(figures.length).toBeGreaterThan(10);
    for (const figure of figures) expect(values).toContain(figure.toString());
  });

  it("marks what is not as in the first run, for eyes and ears", () => {
    const rows = read.named("tr").map((row) => textOf(row));
    expect(rows).toContain("lag at the end500 µs0 ns* (differs)");
    expect(rows).toContain("beats10 00010 000");
    expect(read.text).toContain("* not as before");
  });

  it("has every parameter with its value, default and range", () => {
    const rows = read.named("tr").map((row) => textOf(row));
    expect(rows).toContain("durationhow long it beats10 s10 s1 ms to 10 d");
    expect(rows).toContain("moodbroken: one expectation failscalmcalmcalm, broken");
  });

  it("has the behaviours in which the runs differ", () => {
    expect(read.named("tr").map((row) => textOf(row))).toContainEqual(
      expect.stringMatching(/^periodicAdvance.*independentresync\* \(differs\)$/),
    );
  });
});

describe("expectations", () => {
  it("have an outcome in every run, in words, with the reason", () => {
    const rows = read.named("tr").map((row) => textOf(row));
    expect(rows).toContainEqual(
      expect.stringMatching(
        /^the lag is 50 ns a beateach deadline moves in its own clock.*✓ held– not applicable$/,
      ),
    );
    expect(rows).toContainEqual(
      expect.stringMatching(
        /^a thousand players march in stepstated for a thousand– not applicable– not applicable$/,
      ),
    );
    expect(read.text).toContain("3 of 3 expectations held, 3 not applicable");
  });

  it("that did not hold show their figures at once", () => {
    const broken = readPage(renderReport([metronomeStory({ inputs: { mood: "broken" } })]));
    const open = broken.named("details").filter((details) => attribute(details, "open") !== undefined);
    expect(open.map(textOf)).toEqual([
      "figuresbefore: expected 1 listener, got 10000 beats and noneafter: expected 1 listener, got 10000 beats and none",
    ]);
    expect(broken.text).toContain("✗ not held");
    expect(broken.text).toContain("✗ 1 of 3 expectations held");
  });
});

describe("a hostile story", () => {
  const hostile = `"><script>alert('x')</script><img src=x onerror=alert(1)>&lt;\u0000`;
  const seen = hostile.replace("\u0000", "\ufffd");
  const columns = metronomeStory().columns.map(({ result }) => ({
    label: hostile,
    result: {
      ...result,
      kernel: hostile + result.kernel,
      tables: {
        [hostile]: {
          title: hostile,
          columns: [{ name: "x", unit: "name", title: hostile } as const],
          rows: [[hostile]],
        },
      },
      series: {
        [hostile]: {
          title: hostile,
          unit: "ns",
          points: [
            [0n, 0n],
            [1n, 1n],
          ],
        } as const,
      },
      expectations: [{ text: hostile, held: false, expected: hostile, got: hostile, reason: hostile }],
    },
  }));
  const html = renderReport([
    metronomeStory({
      scenario: {
        title: hostile,
        story: hostile,
        fix: hostile,
        sources: [{ title: hostile, commit: hostile, url: `javascript:alert(1)//${hostile}` }],
        verdict: () => hostile,
      },
      story: { columns, command: hostile, resultFile: `${hostile}.json` },
    }),
  ]);
  const parsed = readPage(html);

  it("is read as what it says", () => {
    expect(parsed.errors).toEqual([]);
    expect(parsed.again).toBe(html);
    expect(parsed.named("h2").map(textOf)).toEqual([seen]);
    expect(parsed.named("img")).toEqual([]);
    expect(parsed.named("script")).toEqual([]);
    expect(parsed.elements.flatMap(({ attrs }) => attrs.filter(({ name }) => name.startsWith("on")))).toEqual(
      [],
    );
  });

  it("makes no link that would run", () => {
    const [, file, ...others] = parsed.named("a").map((link) => attribute(link, "href"));
    expect(file).toBe(`./${encodeURIComponent(`${hostile}.json`)}`);
    expect(others).toEqual([]);
  });
});
