#include "node/runtime/telemetry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "temporary_directory.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr EventContext context = {
    .since_start = 1500ms, .bytes_sent = 10, .bytes_received = 20, .neighbours = 3};

template <class Id>
Id id_of(std::uint8_t byte) {
  Id id;
  id.bytes.fill(byte);
  return id;
}

TEST(EventJson, SaysWhereTheNodeStandsOnEveryLine) {
  const json line = json::parse(event_json(StepsDone{.step = 7, .loss = 0.5}, context));
  EXPECT_EQ(line, (json{{"event", "steps_done"},
                        {"step", 7},
                        {"loss", 0.5},
                        {"time_s", 1.5},
                        {"bytes_sent", 10},
                        {"bytes_received", 20},
                        {"neighbours", 3}}));
}

TEST(EventJson, WritesAnAccuracyThatDoesNotExistAsNull) {
  const Evaluated event{.step = 1, .quality = {.loss = 1, .accuracy = std::nan("")}, .model = {}};
  EXPECT_TRUE(json::parse(event_json(event, context))["accuracy"].is_null());
}

TEST(EventJson, HoldsTheWholeManifestOfAMerge) {
  Manifest manifest{
      .run = id_of<RunId>(1),
      .merge = id_of<Digest>(2),
      .cut_off = 100,
      .members =
          {{.id = id_of<NodeId>(3), .weight = 5, .step = 90, .contribution = id_of<Digest>(4)}},
      .contributors = {id_of<NodeId>(3)},
      .slices = {{.index = 0, .contributors = {id_of<NodeId>(3)}, .digest = id_of<Digest>(5)}},
      .model = id_of<Digest>(6),
      .attestations = {id_of<NodeId>(3)},
      .nodes_seen = 7,
      .partial = true};
  const json line =
      json::parse(event_json(Merged{manifest, {.loss = 1, .accuracy = 0.5}}, context));
  EXPECT_EQ(line["manifest"], json::parse(manifest_json(manifest)));
  EXPECT_EQ(line["manifest"]["members"][0]["weight"], 5);
  EXPECT_EQ(line["manifest"]["contributors"], json::array({id_of<NodeId>(3).hex()}));
  EXPECT_EQ(line["manifest"]["nodes_seen"], 7);
  EXPECT_EQ(line["manifest"]["partial"], true);
  EXPECT_EQ(line["manifest"]["slices"][0]["contributors"][0], id_of<NodeId>(3).hex());
}

TEST(EventJson, StaysOneLineOfJsonWhateverAPeerCallsItself) {
  const std::string line = event_json(PeerLost{.peer = {}, .reason = "bad \xff\"\n"}, context);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_TRUE(json::accept(line));
}

TEST(StatusJson, NamesRejectedInputByReason) {
  NodeStatus status;
  status.rejected["bad_seal"] = 4;
  status.neighbours.push_back(
      {.id = id_of<NodeId>(1), .address = "127.0.0.1:9", .step = 2, .round_trip_ms = 0.5});
  const json value = json::parse(status_json(status));
  EXPECT_EQ(value["rejected"]["bad_seal"], 4);
  EXPECT_EQ(value["neighbours"][0]["address"], "127.0.0.1:9");
}

TEST(Telemetry, AppendsEventsToTheMetricsOfTheStore) {
  const testing::TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  Telemetry telemetry(&store, false);
  ASSERT_TRUE(telemetry.record(Isolated{}, context).has_value());
  std::ifstream file(directory.path() / "metrics.jsonl");
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(json::parse(line)["event"], "isolated");
}

TEST(Telemetry, WritesALineForEachExchangeUpToARateAndCountsTheRest) {
  const testing::TemporaryDirectory directory;
  Store store = std::move(*Store::open(directory.path()));
  Telemetry telemetry(&store, false);
  EventContext now = context;
  constexpr int exchanges = 1000;
  for (int i = 0; i < exchanges; ++i) {
    now.since_start += 2ms;  // 500 a second, for two seconds
    ASSERT_TRUE(telemetry.record(Exchanged{}, now).has_value());
  }
  now.since_start += 1s;
  ASSERT_TRUE(telemetry.record(Exchanged{}, now).has_value());
  std::ifstream file(directory.path() / "metrics.jsonl");
  int lines = 0;
  int counted = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    counted += json::parse(line)["count"].get<int>();
  }
  EXPECT_LE(lines, 4 * Telemetry::exchange_lines_per_second_max);
  EXPECT_EQ(counted, exchanges + 1);
}

}  // namespace
}  // namespace starling::runtime
