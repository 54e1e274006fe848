#include "node/cli/report_style.h"

namespace starling::cli {

// Blue, vermilion and green: Okabe and Ito's palette for colour-blind readers. Labels: Paul Tol's
// "muted" scheme; its two darkest colours are lighter on a dark page.
const char* const report_style = R"css(
:root { color-scheme: light dark; --page: #f7f7f5; --card: #fff; --ink: #1b1d21; --soft: #646a73;
  --rule: #e3e4e6; --blue: #0072b2; --vermilion: #d55e00; --green: #009e73; --indigo: #332288;
  --wine: #882255; }
@media (prefers-color-scheme: dark) {
  :root { --page: #121417; --card: #1b1e23; --ink: #e8eaed; --soft: #9aa2ad; --rule: #2e333a;
    --blue: #56b4e9; --vermilion: #f0843c; --green: #2cc295; --indigo: #6a5acd; --wine: #b8457f; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 40px 24px 64px; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  font-variant-numeric: tabular-nums; }
h1 { margin: 0; font-size: 30px; line-height: 1.2; letter-spacing: -.02em;
  overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 15px; font-weight: 600; }
p { margin: 6px 0 0; }
code, pre { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { margin: 0; overflow-x: auto; }
.soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 16px;
  margin-top: 16px; }
.card { grid-column: span 6; min-width: 0; padding: 18px 20px; background: var(--card);
  border: 1px solid var(--rule); border-radius: 12px; }
.card.third { grid-column: span 4; }
.card.wide { grid-column: span 12; }
.figure { font-size: 38px; font-weight: 650; line-height: 1.15; letter-spacing: -.03em; }
.bar { display: grid; grid-template-columns: 1fr auto; margin-top: 10px; font-size: 13px;
  color: var(--soft); }
.bar b { color: var(--ink); font-weight: 600; }
.bar i { grid-column: 1 / 3; height: 6px; margin-top: 3px; border-radius: 3px;
  background: var(--rule); overflow: hidden; }
.bar i i { display: block; height: 100%; margin: 0; background: var(--blue); }
.bar.merged i i { background: var(--vermilion); }
.bar.central i i { background: var(--green); }
.facts { display: grid; grid-template-columns: auto 1fr; gap: 4px 16px; margin: 12px 0 0;
  font-size: 13px; }
.facts dt { color: var(--soft); } .facts dd { margin: 0; text-align: right; }
.facts.left dd { text-align: left; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--soft); }
.legend span { display: inline-flex; align-items: center; gap: 6px; }
.legend svg { width: 24px; height: 12px; }
.swatch { width: 10px; height: 10px; border-radius: 2px; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 11.5px; fill: var(--soft); }
.end { text-anchor: end; } .middle { text-anchor: middle; }
.grid line { stroke: var(--rule); } .grid .tick { stroke: var(--soft); }
polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.node { stroke: var(--blue); stroke-opacity: .5; }
.node.gone { stroke: var(--ink); stroke-dasharray: 2 3; stroke-opacity: 1; }
.mean { stroke: var(--vermilion); stroke-width: 2.4; }
.baseline { stroke: var(--green); stroke-width: 2; }
.central { stroke: var(--green); stroke-width: 2; stroke-dasharray: 7 4; }
.merged circle, circle.merged { fill: var(--vermilion); stroke: var(--card); stroke-width: 1.5; }
polyline.lit { stroke-opacity: 1; stroke-width: 3.2; }
.topology { max-width: 460px; margin: 0 auto; }
.edge { fill: none; stroke: var(--soft); stroke-opacity: .45; stroke-width: 1.1; }
.edge.lit { stroke: var(--blue); stroke-opacity: 1; stroke-width: 2.2; }
.body { fill: var(--card); stroke: var(--blue); stroke-width: 1.5; }
.ring { fill: none; }
.bird.gone .ring { opacity: .35; } .bird.gone .body { stroke: var(--soft); stroke-dasharray: 3 3; }
.bird.lit text { fill: var(--ink); font-weight: 700; }
.labels { display: flex; width: 110px; height: 10px; border-radius: 3px; overflow: hidden; }
.scroll { overflow-x: auto; } .facts + .scroll { margin-top: 14px; }
.cards + .legend { margin-top: 18px; }
table { width: 100%; border-collapse: collapse; font-size: 13px; white-space: nowrap; }
th { color: var(--soft); font-weight: 500; } th, td { padding: 5px 10px; text-align: right; }
th:first-child, td:first-child { padding-left: 0; } th:last-child, td:last-child {
  padding-right: 0; }
.name { text-align: left; }
tr > * { border-bottom: 1px solid var(--rule); } tbody tr:last-child > * { border-bottom: 0; }
tr.lit > * { background: color-mix(in srgb, var(--blue) 12%, transparent); }
tr.gone td { color: var(--soft); }
details { margin-top: 12px; } summary { cursor: pointer; color: var(--soft); font-size: 13px; }
.label0 { --c: #cc6677; } .label1 { --c: var(--indigo); } .label2 { --c: #ddcc77; }
.label3 { --c: #117733; } .label4 { --c: #88ccee; } .label5 { --c: var(--wine); }
.label6 { --c: #44aa99; } .label7 { --c: #999933; } .label8 { --c: #aa4499; }
.label9 { --c: #b5b5b5; }
[class*="label"] { stroke: var(--c); } i[class*="label"] { background: var(--c); }
@media (max-width: 760px) {
  body { padding: 24px 12px 40px; } .card, .card.third { grid-column: span 12; padding: 16px 14px; }
  h1 { font-size: 25px; }
}
@media print { body { max-width: none; padding: 0; } .card { break-inside: avoid; } }
)css";

const char* const report_script = R"js(
function light(event, on) {
  const owner = event.target.closest && event.target.closest('[data-node]');
  if (!owner) return;
  const node = owner.dataset.node;
  document.querySelectorAll('[data-node="' + node + '"]').forEach(
      function (e) { e.classList.toggle('lit', on); });
  document.querySelectorAll('[data-ends~="' + node + '"]').forEach(
      function (e) { e.classList.toggle('lit', on); });
}
document.addEventListener('mouseover', function (event) { light(event, true); });
document.addEventListener('mouseout', function (event) { light(event, false); });
)js";

}  // namespace starling::cli
