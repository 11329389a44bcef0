import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { AXES } from "../../apps/scenarios/src/kernels/axes.ts";
import { COMMITS } from "../../apps/scenarios/src/kernels/changes.ts";
import { axisValues, parseKernel } from "../../apps/scenarios/src/kernels/kernels.ts";
import { PROPOSED, RECORDED } from "../../apps/scenarios/src/kernels/recorded.ts";
import { type Member, publishable, root } from "../workspace.ts";

type Behaviours = Readonly<Record<string, readonly string[]>>;

const packages = publishable.filter(({ group }) => group === "packages");
const knownValues = (axis: string): readonly string[] =>
  AXES.some(({ name }) => name === axis) ? axisValues(axis) : [];

/** Every `…_BEHAVIOURS` a package exports; `NEWEST_…` are choices among them. */
async function behavioursOf({ name, directory }: Member): Promise<(readonly [string, Behaviours])[]> {
  const index: Record<string, unknown> = await import(join(directory, "src", "index.ts"));
  const constants = Object.keys(index).filter((key) => /^(?!NEWEST_).*_BEHAVIOURS$/.test(key));
  return constants.map((key) => [`${name} ${key}`, index[key] as Behaviours]);
}

const exported = (await Promise.all(packages.map(behavioursOf))).flat();

/** A release of the kernel, a commit of it, or a proposal: who speaks of one speaks of history. */
const HISTORY = /\b[4-7]\.\d+\b|\b[0-9a-f]{12}\b|\bproposed\b/;

/** Exported types that are one of several strings, by which release: their names and those strings. */
function historicUnions({ directory }: Member): readonly (readonly [string, readonly string[]])[] {
  const index = join(directory, "src", "index.ts");
  const config = ts.readConfigFile(join(directory, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, directory);
  const program = ts.createProgram([index], options);
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(index);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) return [];
  return checker.getExportsOfModule(module).flatMap((exportedSymbol) => {
    const isAlias = exportedSymbol.flags & ts.SymbolFlags.Alias;
    const symbol = isAlias ? checker.getAliasedSymbol(exportedSymbol) : exportedSymbol;
    if (!(symbol.flags & ts.SymbolFlags.TypeAlias)) return [];
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const parts = type.isUnion() ? type.types : [type];
    const doc = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    if (!parts.every((part) => part.isStringLiteral()) || !HISTORY.test(doc)) return [];
    return [[exportedSymbol.name, parts.map((part) => part.value)]];
  });
}

describe("what the packages export as behaviours", () => {
  it("is in constants of theirs", () => {
    expect(exported.map(([name]) => name)).toContain("@chronovisor/lapic LAPIC_TIMER_BEHAVIOURS");
    expect(exported.length).toBeGreaterThanOrEqual(6);
  });

  it.each(exported)("is in the table of kernels, every axis and value: %s", (_name, behaviours) => {
    for (const [axis, values] of Object.entries(behaviours)) {
      expect([axis, values.filter((value) => !knownValues(axis).includes(value))]).toEqual([axis, []]);
    }
  });

  it("leaves no exported type out that speaks of releases", () => {
    const axes = exported.flatMap(([, behaviours]) => Object.values(behaviours));
    const unions = packages.flatMap(historicUnions);
    const left = unions.filter(
      ([, values]) => !axes.some((axis) => values.every((value) => axis.includes(value))),
    );
    expect(unions.map(([name]) => name)).toContain("UserTsc");
    expect(left.map(([name]) => name)).toEqual([]);
  });
});

/** The cells of a page's tables, row by row, headings and rules left out. */
function tableRows(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split("\n")
    .filter((line) => line.startsWith("|") && !/^\|[\s|-]+$/.test(line))
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()));
}

/** A section of a page, by the number its heading begins with. */
function section(page: string, number: number): string {
  const text = readFileSync(join(root, "docs", "model", `${page}.md`), "utf8");
  const [, found] = new RegExp(`^## ${number}\\. [^\\n]*\\n(.*?)(?=^## |(?![^]))`, "ms").exec(text) ?? [];
  if (found === undefined) throw new Error(`docs/model/${page} has no section ${number}`);
  return found;
}

/** The lines of the fenced block that begins with `head`. */
function csvRows(text: string, head: string): readonly (readonly string[])[] {
  const [, block = ""] = text.split(`\`\`\`csv\n${head}\n`);
  return (block.split("\n```")[0] ?? "").split("\n").map((line) => line.split(","));
}

const COMMIT = /\b[0-9a-f]{12}\b/g;
const commitsIn = (text: string): readonly string[] => text.match(COMMIT) ?? [];

const history = { changes: section("kernel-history", 1), machine: section("kernel-history", 3) };
/** Rows of the page's changes: date, commit, subject, first release, stable, axis, … */
const rows = tableRows(history.changes).slice(1);

const ofTable = AXES.flatMap(({ name, history: changes, alternatives = {} }) => [
  ...changes.map((change) => ({ axis: name, ...change })),
  ...Object.values(alternatives).map((alternative) => ({ axis: name, with: [], ...alternative })),
]);
const idsOf = ({ commit, with: others = [] }: { commit?: string; with?: readonly string[] }) =>
  commit === undefined ? others : [commit, ...others];

describe("docs/model/kernel-history", () => {
  it("names no commit that is neither in the table nor recorded beside it", () => {
    const known = new Set([...ofTable, ...RECORDED].flatMap(idsOf));
    const named = commitsIn(history.changes);
    expect(new Set(named).size).toBeGreaterThan(50);
    expect([...new Set(named)].filter((id) => !known.has(id))).toEqual([]);
  });

  it("is where every commit of the table is from", () => {
    const named = new Set(commitsIn(history.changes));
    expect([...ofTable, ...RECORDED].flatMap(idsOf).filter((id) => !named.has(id))).toEqual([]);
  });

  it.each(rows.map((cells) => [cells[1], cells[2], cells] as const))(
    "agrees: %s, %s",
    (_id, _subject, cells) => {
      const [, commit = "", , first = "", , axis = ""] = cells;
      const since = `v${/\d+\.\d+/.exec(first)?.[0]}`;
      const ids = commitsIn(commit);
      const [name = ""] = axis.replaceAll("`", "").split(/[°:]/);
      const here = [
        ...ofTable.map((change) => ({ release: change.since, ...change })),
        ...RECORDED.map((change) => ({ ...change, axis: change.axis ?? "" })),
      ].filter(
        (change) =>
          (ids.length > 0 && ids.every((id) => idsOf(change).includes(id))) ||
          (ids.length === 0 && change.release === since && name.startsWith(change.axis)),
      );
      expect(here.length, name).toBeGreaterThan(0);
      expect(here.map(({ release }) => release)).toEqual(here.map(() => since));
    },
  );

  it("has the commits of each release in the order of the table", () => {
    const order = commitsIn(rows.map(([, commit]) => commit).join(" "));
    const places = COMMITS.flatMap(({ id, release }) =>
      id === undefined ? [] : [[release, order.indexOf(id)]],
    );
    for (const release of new Set(places.map(([name]) => name))) {
      const mine = places.filter(([name]) => name === release).map(([, place]) => Number(place));
      expect([release, mine]).toEqual([release, [...mine].sort((a, b) => a - b)]);
    }
  });

  /** What the page writes otherwise than the table: `-` for a feature that does not exist yet, and three spelled-out values. */
  const SPELLED: Readonly<Record<string, string>> = {
    "-": "absent",
    "independent(sw-only)": "independent",
    "unpinned-kick|posted": "unpinned-kick",
    "per-clock": "seven-eighths",
  };
  const spelled = (value: string): string => SPELLED[value] ?? value;

  it("gives every release of its first table the values of ours", () => {
    const head = /^release,.*$/m.exec(history.machine)?.[0] ?? "";
    const names = head.split(",").slice(1);
    const given = csvRows(history.machine, head);
    expect(given.length).toBeGreaterThanOrEqual(10);
    for (const [release = "", ...values] of given) {
      const { axes } = parseKernel(release);
      expect([release, names.map((name) => axes[name])]).toEqual([release, values.map(spelled)]);
    }
  });

  it("gives every further axis its values and releases, or it is recorded", () => {
    const given = csvRows(history.machine, "axis,values oldest first with first release");
    expect(given.length).toBeGreaterThan(25);
    for (const [name = "", list = ""] of given) {
      const axis = AXES.find((candidate) => candidate.name === name);
      if (axis === undefined) {
        expect(RECORDED.map((change) => change.axis)).toContain(name);
        continue;
      }
      const changes = list
        .split(";")
        .map((text) => text.replace("?", "").split("@"))
        .map(([value = "", since]) => [spelled(value), since]);
      const mine = new Map(axis.history.map(({ value, since }) => [value, since]));
      const signed = changes.filter(([value]) => value === "signed");
      // What every clock did before v4.10 is recorded, not modelled.
      expect(signed.length === 0 || name === "delta").toBe(true);
      for (const [value = "", since] of changes.slice(signed.length)) {
        const isOldest = mine.get(value) === "v4.5";
        expect([name, value, mine.has(value)]).toEqual([name, value, true]);
        if (!isOldest) expect([name, value, mine.get(value)]).toEqual([name, value, since]);
      }
    }
  });

  it("gives every stable series what it received, from the release it names on", () => {
    const given = csvRows(history.machine, "stable,axis,value,since");
    expect(given.length).toBeGreaterThanOrEqual(13);
    for (const [stable = "", axes = "", values = "", since = ""] of given) {
      const series = `v${stable.replace(".y", "")}`;
      const [patch] = /(?<=\d+\.\d+\.)\d+$/.exec(since) ?? [];
      axes.split("+").forEach((name, i) => {
        const value = spelled(values.split("+")[i] ?? "");
        const backports = [
          ...AXES.filter((axis) => axis.name === name)
            .flatMap((axis) => axis.history)
            .filter((change) => change.value === value),
          ...RECORDED.filter((change) => change.axis === name),
        ].flatMap((change) => change.stable ?? []);
        const mine = backports.find((backport) => backport.series === series);
        expect([stable, name, mine === undefined]).toEqual([stable, name, false]);
        if (patch !== undefined) expect([stable, name, mine?.patch]).toEqual([stable, name, Number(patch)]);
        expect([stable, name, mine?.known === "found-in"]).toEqual([stable, name, since.startsWith("<=")]);
      });
    }
  });
});

describe("the proposals of docs/model/pvclock", () => {
  it("are alternatives of an axis, merged since, or recorded", () => {
    const named = tableRows(section("pvclock", 10))
      .slice(1)
      .map(([name = ""]) => name);
    const known = [...ofTable.map(({ proposal }) => proposal), ...PROPOSED.map(({ name }) => name)];
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
    expect(known.filter((name) => name !== undefined && !named.includes(name))).toEqual([]);
  });
});
