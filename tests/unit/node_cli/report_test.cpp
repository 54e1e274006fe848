#include "node/cli/report.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <vector>

namespace starling::cli {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class Id>
Id numbered(std::size_t number) {
  Id id;
  for (std::size_t i = 0; i < Id::size; ++i) {
    id.bytes[i] = static_cast<std::uint8_t>(number * 37 + i * 101 + 11);
  }
  return id;
}

/// The second of the nodes is killed half-way; the last one joins at a third.
NodeRecord sample_node(std::size_t i, std::size_t count) {
  NodeRecord node;
  node.id = numbered<NodeId>(i);
  node.samples_held = 2000 + i * 7919 % 9000;
  for (std::size_t label = 0; label < 10; ++label) {
    node.label_counts.push_back((i * 7 + label * 3) % 5 == 0 ? 600 + 90 * label : i % 3 * 20);
  }
  const bool killed = i == 1;
  const int first = i + 1 == count ? 33 : 0;
  for (int t = first; t <= (killed ? 50 : 100); ++t) {
    const double wave = 0.02 * std::sin(t * 0.7 + static_cast<double>(i) * 1.3);
    const double progress = 1 - std::exp(-t / 18.0);
    node.samples.push_back(
        {t * 0.84, static_cast<Step>(t) * 20, 2.3 - 1.8 * progress + wave,
         t % 5 == 0 ? 0.1 + (0.7 - 0.01 * static_cast<double>(i % 6)) * progress + wave : nan,
         static_cast<std::uint64_t>(t * 15'000 + 4000)});
  }
  node.neighbours = {numbered<NodeId>((i + 1) % count), numbered<NodeId>((i + 3) % count)};
  node.accuracy_before_merge = killed ? nan : 0.7415 + 0.001 * static_cast<double>(i);
  node.bytes_sent = node.samples.back().bytes_sent;
  node.bytes_received = node.bytes_sent + 1234;
  node.exchanges = 180 + i;
  node.fate = killed ? "killed" : "merged";
  return node;
}

RunRecord sample_run(std::size_t count) {
  RunRecord run;
  run.name = "demo";
  run.recipe = "gossip";
  run.recipe_text = "clock = \"pairs\"\nlocal_steps = 10\n";
  run.task = "fashion-mnist";
  run.topology = "overlay";
  run.skew = "dirichlet:0.1";
  run.seed = 1;
  run.steps = 2000;
  run.parameters = 101'770;
  run.batch = 32;
  for (std::size_t i = 0; i < count; ++i) run.nodes.push_back(sample_node(i, count));
  for (std::uint64_t k = 0; k <= 20; ++k) {
    run.baseline.push_back({k * 25'600, 0.876 - 0.7 * std::exp(-static_cast<double>(k) / 2)});
  }
  run.baseline_step_size = 0.1;
  run.accuracy_central = 0.876;
  run.accuracy_nodes_mean = 0.7437;
  run.accuracy_merged = 0.8642;
  run.consensus_distance = 0.0831;
  run.bytes_sent = 12'345'678;
  run.bytes_dense_equivalent = 6'513'280'000;
  run.swarm_s = 61.5;
  run.wall_s = 84.6;
  run.manifest.cut_off = 2000;
  run.manifest.model = numbered<Digest>(201);
  for (const NodeRecord& node : run.nodes) {
    if (node.fate != "merged") continue;
    run.manifest.members.push_back({node.id, node.samples_held, 2000, numbered<Digest>(202)});
    run.manifest.contributors.push_back(node.id);
    run.manifest.attestations.push_back(node.id);
  }
  run.manifest.slices.push_back({0, run.manifest.attestations, numbered<Digest>(203)});
  return run;
}

bool contains(const std::string& page, const std::string& text) {
  return page.find(text) != std::string::npos;
}

std::size_t occurrences(const std::string& page, const std::string& text) {
  std::size_t count = 0;
  for (auto at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++count;
  return count;
}

/// The first tag that does not close what was opened last; empty if all do. Style and script are
/// skipped, as browsers read them as text.
std::string unbalanced_tag(const std::string& page) {
  std::vector<std::string> open;
  for (auto at = page.find('<'); at != std::string::npos; at = page.find('<', at + 1)) {
    const auto end = page.find('>', at);
    if (end == std::string::npos) return page.substr(at, 40);
    const std::string tag = page.substr(at + 1, end - at - 1);
    if (tag.starts_with('!') || tag.ends_with('/')) continue;
    if (tag.starts_with('/')) {
      if (open.empty() || open.back() != tag.substr(1)) return tag;
      open.pop_back();
    } else {
      open.push_back(tag.substr(0, tag.find(' ')));
      if (tag == "style" || tag == "script") at = page.find("</" + tag, at) - 1;
    }
  }
  return open.empty() ? "" : open.back();
}

TEST(Report, ClosesEveryTagItOpens) {
  for (const std::size_t nodes : {2U, 8U, 64U}) {
    const std::string page = render_report(sample_run(nodes));
    EXPECT_EQ(unbalanced_tag(page), "") << nodes << " nodes";
    EXPECT_EQ(unbalanced_tag(page + "</p>"), "/p");
    // STARLING_REPORT_DIR: a folder to leave the pages in, for a look with a browser.
    if (const char* folder = std::getenv("STARLING_REPORT_DIR")) {
      std::ofstream(std::string(folder) + "/report_" + std::to_string(nodes) + ".html") << page;
    }
  }
}

TEST(Report, RefersToNothingOutsideItself) {
  const std::string page = render_report(sample_run(8));
  for (const char* reference : {"http", "src=", "href=", "@import", "url(", "//"}) {
    EXPECT_FALSE(contains(page, reference)) << reference;
  }
}

TEST(Report, ShowsEveryNodeInTheTableTheTopologyAndTheCurves) {
  const RunRecord run = sample_run(64);
  const std::string page = render_report(run);
  for (std::size_t i = 0; i < run.nodes.size(); ++i) {
    EXPECT_TRUE(contains(page, run.nodes[i].id.hex()));
    // Table, topology and three charts.
    EXPECT_EQ(occurrences(page, "data-node=\"" + std::to_string(i + 1) + "\""), 5U);
  }
}

TEST(Report, ShowsTheFiguresOfTheRecord) {
  const std::string page = render_report(sample_run(8));
  for (const char* figure : {"86.4 %", "87.6 %", "74.4 %", "12.3 MB", "6.5 GB", "527.6×", "7 of 8",
                             "0.0831", "101,770", "2,000 steps", "84.6 s", "step size 0.1000"}) {
    EXPECT_TRUE(contains(page, figure)) << figure;
  }
  EXPECT_TRUE(contains(page, numbered<Digest>(201).hex()));
  EXPECT_TRUE(contains(page, "local_steps = 10"));
}

TEST(Report, ShowsVotesAndDigestsOnlyForRunsWithVotes) {
  RunRecord run = sample_run(8);
  EXPECT_FALSE(contains(render_report(run), "votes"));
  run.votes = 48'000;
  run.digests_equal = true;
  const std::string page = render_report(run);
  EXPECT_TRUE(contains(page, "48,000"));
  EXPECT_TRUE(contains(page, "all equal"));
  run.digests_equal = false;
  EXPECT_TRUE(contains(render_report(run), "<dd>differ</dd>"));
}

TEST(Report, DrawsEachPairOfNeighboursOnce) {
  RunRecord run = sample_run(3);
  for (NodeRecord& node : run.nodes) node.neighbours.clear();
  run.nodes[0].neighbours = {run.nodes[1].id, run.nodes[0].id, numbered<NodeId>(99)};
  run.nodes[1].neighbours = {run.nodes[0].id};
  EXPECT_EQ(occurrences(render_report(run), "class=\"edge\""), 1U);
}

TEST(Report, PlacesThePointsOfALineInTheOrderOfTheirValues) {
  RunRecord run = sample_run(2);
  run.nodes[0].samples = {{0, 0, 2, 0.1, 10}, {1, 1, 1, 0.5, 100}, {2, 2, 0.5, 0.8, 1000}};
  const std::string page = render_report(run);
  const auto line = page.find("<polyline class=\"node\" data-node=\"1\"");
  ASSERT_NE(line, std::string::npos);
  double x[3];
  double y[3];
  const auto points = page.find("points=\"", line) + 8;
  ASSERT_EQ(std::sscanf(page.c_str() + points, "%lf,%lf %lf,%lf %lf,%lf", &x[0], &y[0], &x[1],
                        &y[1], &x[2], &y[2]),
            6);
  EXPECT_NEAR(x[1] - x[0], x[2] - x[1], 0.11);
  EXPECT_NEAR((y[0] - y[1]) / (y[1] - y[2]), 4.0 / 3, 0.01);
}

TEST(Report, EscapesHostileTexts) {
  const std::string hostile = "\"><script>alert('x')</script>&";
  RunRecord run = sample_run(3);
  run.name = run.recipe = run.recipe_text = run.task = run.topology = run.skew = hostile;
  run.nodes[0].fate = hostile;
  const std::string page = render_report(run);
  EXPECT_FALSE(contains(page, "alert('x')"));
  EXPECT_EQ(occurrences(page, "<script>"), 1U);
  EXPECT_EQ(unbalanced_tag(page), "");
}

TEST(Report, ShowsADashForFiguresThatAreNotFinite) {
  RunRecord run = sample_run(2);
  run.accuracy_merged = run.accuracy_central = run.accuracy_nodes_mean = nan;
  run.consensus_distance = std::numeric_limits<double>::infinity();
  run.nodes[0].samples[3].loss = std::numeric_limits<double>::infinity();
  const std::string page = render_report(run);
  EXPECT_FALSE(contains(page, "nan"));
  EXPECT_FALSE(contains(page, ">inf"));
  EXPECT_TRUE(contains(page, "<div class=\"figure\">–</div>"));
}

TEST(Report, StandsARunWithNothingInIt) {
  const std::string page = render_report(RunRecord{});
  EXPECT_EQ(unbalanced_tag(page), "");
  EXPECT_FALSE(contains(page, "nan"));
  EXPECT_TRUE(contains(page, "ended without a merge"));
}

}  // namespace
}  // namespace starling::cli
