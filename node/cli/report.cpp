#include "node/cli/report.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "node/cli/progress.h"
#include "node/cli/report_chart.h"
#include "node/cli/report_style.h"
#include "node/cli/report_tables.h"
#include "node/cli/report_text.h"
#include "node/cli/report_topology.h"

namespace starling::cli {
namespace {

std::string card(const std::string& css_class, const std::string& title, const std::string& body) {
  return "<section class=\"card " + css_class + "\"><h2>" + title + "</h2>" + body + "</section>\n";
}

/// One of several bars to compare; `share` is the filled part.
std::string bar(const std::string& css_class, const std::string& name, const std::string& value,
                double share) {
  const double filled = std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
  return "<div class=\"bar " + css_class + "\"><span>" + name + "</span><b>" + value +
         "</b><i><i style=\"width:" + fixed_text(filled * 100, 2) + "%\"></i></i></div>";
}

std::string figure(const std::string& value, const std::string& unit) {
  return "<div class=\"figure\">" + value + "</div><div class=\"soft\">" + unit + "</div>";
}

std::string fact(const std::string& name, const std::string& value) {
  return "<dt>" + name + "</dt><dd>" + value + "</dd>";
}

std::string accuracy_card(const RunRecord& run) {
  const auto accuracy_bar = [](const char* css_class, const char* name, double accuracy) {
    return bar(css_class, name, percent_text(accuracy), accuracy);
  };
  return card("third", "Accuracy",
              figure(percent_text(run.accuracy_merged), "of the merged model on the test set") +
                  accuracy_bar("", "nodes before merging, mean", run.accuracy_nodes_mean) +
                  accuracy_bar("merged", "merged", run.accuracy_merged) +
                  accuracy_bar("central", "trained centrally", run.accuracy_central));
}

std::string bytes_card(const RunRecord& run) {
  const auto sent = static_cast<double>(run.bytes_sent);
  const auto dense = static_cast<double>(run.bytes_dense_equivalent);
  const double larger = std::max(sent, dense);
  const std::string ratio = run.bytes_sent == 0 ? "–" : fixed_text(dense / sent, 1) + "×";
  return card("third", "Communication",
              figure(ratio, "fewer bytes than dense exchange every step") +
                  bar("merged", "sent by all nodes", bytes_text(run.bytes_sent), sent / larger) +
                  bar("", "dense exchange every step", bytes_text(run.bytes_dense_equivalent),
                      dense / larger));
}

std::string merge_card(const RunRecord& run) {
  std::string facts =
      fact("cut-off", "step " + count_text(run.manifest.cut_off)) +
      fact("attested by", count_text(run.manifest.attestations.size()) + " members") +
      fact("consensus distance", fixed_text(run.consensus_distance, 4)) +
      fact("parameters", count_text(run.parameters));
  if (run.votes > 0) {
    facts += fact("votes", count_text(run.votes)) +
             fact("digests", run.digests_equal ? "all equal" : "differ");
  }
  return card(
      "third", "Merge",
      figure(count_text(run.manifest.contributors.size()) + " of " + count_text(run.nodes.size()),
             run.manifest.partial ? "nodes are in the merged model, which is partial"
                                  : "nodes are in the merged model") +
          "<dl class=\"facts\">" + facts + "</dl>");
}

std::string tick_number(double value) {
  if (value >= 10'000) return count_text(static_cast<std::uint64_t>(value));
  std::string text = fixed_text(value, 4);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}
std::string tick_percent(double value) {
  return tick_number(value * 100) + " %";
}
std::string tick_bytes(double value) {
  std::string text = bytes_text(static_cast<std::uint64_t>(std::llround(value)));
  if (const auto at = text.find(".0 "); at != std::string::npos) text.erase(at, 2);
  return text;
}

using ToPoint = std::function<ChartPoint(const NodeSample&)>;

std::vector<ChartLine> node_lines(const RunRecord& run, const ToPoint& to_point) {
  std::vector<ChartLine> lines;
  for (std::size_t i = 0; i < run.nodes.size(); ++i) {
    const NodeRecord& node = run.nodes[i];
    ChartLine line{
        "node " + std::to_string(i + 1) + " · " + node.id.short_text() + " · " + node.fate,
        broke_off(node) ? "node gone" : "node",
        i,
        {}};
    for (const NodeSample& sample : node.samples) line.points.push_back(to_point(sample));
    lines.push_back(std::move(line));
  }
  // What broke off is drawn over the others: it would be lost under them.
  std::ranges::partition(lines, [](const ChartLine& line) { return line.css_class == "node"; });
  return lines;
}

/// Adds what every chart of accuracy shows: the central level, and the merged model at `merged_x`.
std::string accuracy_chart(const RunRecord& run, Chart chart, double merged_x) {
  chart.y = {"accuracy", tick_percent};
  chart.description = chart.title + ". Merged model: " + percent_text(run.accuracy_merged) +
                      "; central: " + percent_text(run.accuracy_central) + ".";
  chart.merged = {{merged_x, run.accuracy_merged}};
  if (std::isfinite(run.accuracy_central)) chart.central = run.accuracy_central;
  return card("", chart.title, render_chart(chart));
}

/// The mean of all nodes' models, drawn over the nodes.
template <class ToX>
void add_mean_line(const RunRecord& run, Chart& chart, const ToX& to_x) {
  if (run.curve.empty()) return;
  ChartLine line{"mean of the nodes' models", "mean", std::nullopt, {}};
  for (const MeanPoint& point : run.curve) {
    line.points.push_back({to_x(point), point.accuracy_mean_model});
  }
  chart.lines.push_back(std::move(line));
}

std::string time_chart(const RunRecord& run) {
  Chart chart{"Accuracy over time", "", {"time, s", tick_number}, {}, {}, {}, {}};
  chart.lines =
      node_lines(run, [](const NodeSample& s) { return ChartPoint{s.time_s, s.accuracy}; });
  add_mean_line(run, chart, [](const MeanPoint& point) { return point.time_s; });
  return accuracy_chart(run, std::move(chart), run.swarm_s);
}

std::string bytes_chart(const RunRecord& run) {
  Chart chart{"Accuracy over bytes",
              "",
              {"bytes sent by the node (logarithmic)", tick_bytes, Scale::logarithmic},
              {},
              {},
              {},
              {}};
  chart.lines = node_lines(run, [](const NodeSample& s) {
    return ChartPoint{static_cast<double>(s.bytes_sent), s.accuracy};
  });
  add_mean_line(run, chart, [](const MeanPoint& point) {
    return static_cast<double>(point.bytes_sent) / std::max<double>(point.nodes, 1);
  });
  std::uint64_t bytes_max = 0;
  for (const NodeRecord& node : run.nodes) bytes_max = std::max(bytes_max, node.bytes_sent);
  return accuracy_chart(run, std::move(chart), static_cast<double>(bytes_max));
}

std::string loss_chart(const RunRecord& run) {
  Chart chart{"Loss over steps",
              "Training loss of each node by its own steps.",
              {"step", tick_number},
              {"loss", tick_number},
              {},
              {},
              {}};
  chart.lines = node_lines(
      run, [](const NodeSample& s) { return ChartPoint{static_cast<double>(s.step), s.loss}; });
  return card("", chart.title, render_chart(chart));
}

std::string baseline_chart(const RunRecord& run) {
  Chart chart{"Central training, the baseline",
              "",
              {"samples seen, thousands", tick_number},
              {},
              {},
              {},
              {}};
  ChartLine line{"central training", "baseline", std::nullopt, {}};
  for (const BaselinePoint& point : run.baseline) {
    line.points.push_back({static_cast<double>(point.samples_seen) / 1000, point.accuracy});
  }
  const double end = line.points.empty() ? 0 : line.points.back().x;
  chart.lines = {std::move(line)};
  return accuracy_chart(run, std::move(chart), end);
}

std::string legend() {
  const auto entry = [](const std::string& shape, const std::string& text) {
    return "<span><svg viewBox=\"0 0 24 12\" aria-hidden=\"true\">" + shape + "</svg>" + text +
           "</span>";
  };
  const std::string line = " points=\"0,6 24,6\"/>";
  return "<p class=\"legend\">" + entry("<polyline class=\"node\"" + line, "a node") +
         entry("<polyline class=\"node gone\"" + line, "a node that was killed or failed") +
         entry("<polyline class=\"mean\"" + line, "the mean of the nodes' models") +
         entry("<circle class=\"merged\" r=\"5\" cx=\"12\" cy=\"6\"/>", "the merged model") +
         entry("<polyline class=\"central\"" + line, "trained centrally, at its end") + "</p>";
}

std::string heading(const RunRecord& run) {
  return "<header><h1>" + escaped(run.name) + "</h1><p class=\"soft\">" +
         count_text(run.nodes.size()) + " nodes · " + escaped(run.task) + " · recipe " +
         escaped(run.recipe) + " · " + count_text(run.steps) + " steps of batch " +
         count_text(run.batch) + " · topology " + escaped(run.topology) + " · shares " +
         escaped(run.skew) + " · seed " + std::to_string(run.seed) + " · " +
         fixed_text(run.wall_s, 1) + " s</p></header>\n";
}

std::string recipe_card(const RunRecord& run) {
  return card("", "Recipe " + escaped(run.recipe),
              "<pre>" + escaped(run.recipe_text) +
                  "</pre><p class=\"soft\">Central training: best "
                  "step size " +
                  fixed_text(run.baseline_step_size, 4) + ".</p>");
}

}  // namespace

std::string render_report(const RunRecord& run) {
  return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta "
         "name=\"viewport\" content=\"width=device-width, initial-scale=1\"/><title>" +
         escaped(run.name) + " · Starling</title><style>" + report_style +
         "</style></head><body>\n" + heading(run) + "<main><div class=\"cards\">\n" +
         accuracy_card(run) + bytes_card(run) + merge_card(run) + "</div>\n" + legend() +
         "<div class=\"cards\">\n" + time_chart(run) + bytes_chart(run) + loss_chart(run) +
         baseline_chart(run) +
         card("", "Topology", render_topology(run.nodes) + render_label_legend(run.nodes)) +
         recipe_card(run) + card("wide", "Nodes", render_node_table(run)) +
         card("wide", "Merge manifest", render_manifest(run)) + "</div></main><script>" +
         report_script + "</script></body></html>\n";
}

}  // namespace starling::cli
