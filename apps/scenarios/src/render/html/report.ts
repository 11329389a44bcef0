/**
 * A report: one page that needs nothing but itself. It reads without a script, takes nothing from a network, and is the
 * same bytes for the same runs: nothing of the machine or the day is in it.
 */
import { allHeld, countHeld } from "../expectations.js";
import { verdictsOf } from "../verdicts.js";
import { outcomeMark } from "./expectation-table.js";
import { element, type Html, styleElement } from "./markup.js";
import { renderStory, type Story, storyAnchor } from "./story.js";
import { STYLE_SHEET } from "./style-sheet.js";

/** What a browser may do with the page: show it. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const TITLE = "Guest time, kernel by kernel";

/** The first and the last of a list: where a story begins and where it ends. */
function ends<T>(list: readonly T[]): readonly T[] {
  return list.length > 2 ? [...list.slice(0, 1), ...list.slice(-1)] : list;
}

function overviewEntry(story: Story): Html {
  const { scenario, columns } = story;
  const results = columns.map(({ result }) => result);
  return element(
    "li",
    {},
    element("a", { href: `#${storyAnchor(story)}` }, scenario.title),
    ends(verdictsOf(scenario, columns)).map((verdict) => element("p", {}, verdict)),
    element("p", {}, outcomeMark(allHeld(results) ? "held" : "broken", countHeld(results))),
  );
}

/** The page for `stories`, in their order. */
export function renderReport(stories: readonly Story[]): string {
  const head = element(
    "head",
    {},
    element("meta", { charset: "utf-8" }),
    element("meta", { "http-equiv": "Content-Security-Policy", content: POLICY }),
    element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
    element("meta", { name: "color-scheme", content: "light dark" }),
    element("title", {}, `${TITLE}: ${stories.map(({ scenario }) => scenario.id).join(", ")}`),
    styleElement(STYLE_SHEET),
  );
  const body = element(
    "body",
    {},
    element(
      "header",
      {},
      element("p", { class: "maker" }, "chronovisor report"),
      element("h1", {}, TITLE),
      element(
        "p",
        {},
        "Each story ran on simulated machines, as the kernels named behave: the same inputs and seed in every column. What is not as in the first column is bold and has a *.",
      ),
    ),
    element(
      "nav",
      { "aria-label": "Stories" },
      element("ol", { class: "overview" }, stories.map(overviewEntry)),
    ),
    element("main", {}, stories.map(renderStory)),
  );
  return `<!DOCTYPE html>${element("html", { lang: "en" }, head, body).html}`;
}
