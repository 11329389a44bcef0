/** The look of a report: system fonts, light and dark as the reader's system says, paper always light. */
import { HUES } from "./series-style.js";

type Scheme = "light" | "dark";

/** Contrast on the page: 4.8 to 1 at least in light, 7.7 to 1 in dark. */
const COLOURS: Readonly<Record<Scheme, string>> = {
  light:
    "--page:#fff;--raised:#f5f6f8;--text:#1b1f26;--aside:#535a66;--rule:#d5d9e0;--axis:#7b838f;--link:#0063a8;--held:#00705a;--broken:#b34700",
  dark: "--page:#14171c;--raised:#1d2128;--text:#e8ebf0;--aside:#a9b0bb;--rule:#343a44;--axis:#7d8592;--link:#6fb7ff;--held:#3cc9a3;--broken:#ff9b5e",
};

function variables(scheme: Scheme): string {
  const runs = HUES.map((hue, place) => `--hue-${place}:${hue[scheme]}`);
  return [COLOURS[scheme], ...runs].join(";");
}

const RUN_CLASSES = HUES.map((_, place) => `.run-${place}{--run:var(--hue-${place})}`).join("\n");

export const STYLE_SHEET: string = `
:root{color-scheme:light dark;${variables("light")}}
@media screen and (prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0 auto;max-width:76rem;padding:1.5rem clamp(1rem,4vw,3rem) 4rem;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,sans-serif;overflow-wrap:break-word}
h1,h2,h3{line-height:1.2;text-wrap:balance}
h1{font-size:clamp(1.6rem,1.2rem + 2vw,2.4rem);margin:0 0 .5rem}
h2{font-size:clamp(1.35rem,1.1rem + 1vw,1.75rem);margin:0}
h3{font-size:1.05rem;margin:2.25rem 0 .75rem}
p,li{max-width:46rem}
p{margin:.5rem 0}
a{color:var(--link)}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
small{display:block;color:var(--aside);font-size:.9em;font-weight:400;line-height:1.4}
.maker,.fix,.note{color:var(--aside);font-size:.9rem}
.fix{margin-top:.25rem}
.overview{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,18rem),1fr));gap:.75rem;list-style:none;align-items:start;margin:1.5rem 0 0;padding:0}
.overview li{background:var(--raised);border-radius:.5rem;padding:.75rem 1rem}
.overview a{font-weight:600}
.overview p{font-size:.9rem;margin:.35rem 0 0}
article{border-top:2px solid var(--rule);margin-top:3rem;padding-top:2rem}
.verdicts li+li{margin-top:.35rem}
.verdicts{border-left:4px solid var(--hue-1);font-size:1.05rem;list-style:none;margin:1rem 0;padding:.1rem 0 .1rem 1rem}
.scroll{margin:.75rem 0;max-width:100%;overflow-x:auto}
.scroll:focus-visible,summary:focus-visible,a:focus-visible{outline:2px solid var(--link);outline-offset:2px}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums}
caption{color:var(--aside);font-size:.95em;padding:.25rem 0;text-align:left}
th,td{border-top:1px solid var(--rule);padding:.35rem .75rem;text-align:right;vertical-align:top}
th:first-child,td:first-child{padding-left:0;text-align:left}
thead th{border-top:0;border-bottom:2px solid var(--rule);vertical-align:bottom}
tbody th{font-weight:400;min-width:11rem}
td{white-space:nowrap}
.words td,.words thead th,.outcomes td,.outcomes thead th{text-align:left}
.outcomes td{position:relative}
.signs .word{clip-path:inset(50%);height:1px;overflow:hidden;position:absolute;width:1px}
.figures th:first-child{background:var(--page);left:0;position:sticky;z-index:1}
.outcomes tbody th{min-width:min(26rem,60vw)}
.words td,.outcomes td{white-space:normal}
.differs{font-weight:650;position:relative}
.differs>[aria-hidden]{left:100%;position:absolute}
.said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.held{color:var(--held)}
.broken{color:var(--broken);font-weight:600}
.not-applicable{color:var(--aside)}
details{margin:.5rem 0}
summary{color:var(--aside);cursor:pointer;font-size:.9rem;padding:.2rem 0}
th details{font-size:.9em;margin:.15rem 0}
th summary{font-size:1em}
th li{color:var(--aside);font-weight:400}
th ul{margin:.25rem 0;padding-left:1.1rem}
figure{margin:1rem 0 2rem}
.plot{container-type:inline-size;max-width:60rem}
figcaption{font-weight:600;font-size:.95rem}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;font-size:.85rem;list-style:none;margin:.35rem 0 0;padding:0}
.legend li{align-items:center;display:flex;gap:.5rem}
.sample{flex:none}
.chart{display:block;overflow:visible}
.chart svg{overflow:visible}
.chart text{fill:var(--text);font-size:12px;font-variant-numeric:tabular-nums}
.chart .key{fill:var(--run);font-weight:600}
.grid{stroke:var(--rule)}
.axis,.tick{stroke:var(--axis)}
.curve{fill:none;stroke:var(--run);stroke-linejoin:round;stroke-width:2;vector-effect:non-scaling-stroke}
.sample .curve{stroke:var(--run)}
.mark{fill:var(--run);stroke:var(--page);stroke-width:1}
.leader{fill:none;stroke:var(--run);stroke-width:1}
.bar{fill:var(--run,var(--hue-1))}
.whole{fill:var(--axis)}
.rest{fill:var(--hue-5)}
.against{fill:var(--page);stroke:var(--hue-1);stroke-width:1.5}
.figure{font-weight:600}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));gap:1rem 2rem;margin:.5rem 0}
.run-name{color:var(--run);font-size:.9rem;font-weight:600;margin:0}
.budget>.chart{max-width:44rem}
${RUN_CLASSES}
@container (max-width:34rem){.wide{display:none}}
@media screen and (max-width:40rem){
th,td{padding:.35rem .5rem}
tbody th{hyphens:auto;min-width:5.5rem}
.words tbody th{min-width:9rem}
.outcomes tbody th{min-width:11rem}
.outcomes .word{clip-path:inset(50%);height:1px;overflow:hidden;position:absolute;width:1px}
}
@media (forced-colors:active){.curve,.leader{stroke:CanvasText}.mark,.bar{fill:CanvasText}.against{fill:Canvas;stroke:CanvasText}}
@media print{
body{font-size:10pt;max-width:none;padding:0}
article{break-before:page;border-top:0;margin-top:0;padding-top:0}
.scroll{overflow:visible}
table{font-size:8pt}
th,td{padding:.25rem .5rem}
tbody th{min-width:6rem}
.outcomes tbody th{min-width:15rem}
figure,tr{break-inside:avoid}
h3,figcaption,caption{break-after:avoid}
.bar,.mark,.overview li{print-color-adjust:exact}
}
`;
