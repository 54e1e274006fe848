#include "node/cli/testnet_watch.h"

#include <nlohmann/json.hpp>
#include <vector>

namespace starling::cli {
namespace {

using Json = nlohmann::json;

double number(const Json& from, const char* key) {
  const auto value = from.find(key);
  return value != from.end() && value->is_number() ? value->get<double>()
                                                   : std::numeric_limits<double>::quiet_NaN();
}

/// Our own telemetry wrote it: anything but an id is a bug and reads as zeros.
template <class Id>
Id id_of(const Json& text) {
  const auto bytes = from_hex(text.get<std::string>());
  return bytes ? Id::from_bytes(*bytes).value_or(Id{}) : Id{};
}

std::vector<NodeId> ids_of(const Json& list) {
  std::vector<NodeId> ids;
  for (const Json& text : list) ids.push_back(id_of<NodeId>(text));
  return ids;
}

Manifest manifest_of(const Json& from) {
  Manifest manifest{.run = id_of<RunId>(from.at("run")),
                    .merge = id_of<Digest>(from.at("merge")),
                    .cut_off = from.at("cut_off").get<Step>(),
                    .contributors = ids_of(from.at("contributors")),
                    .model = id_of<Digest>(from.at("model")),
                    .attestations = ids_of(from.at("attestations")),
                    .nodes_seen = from.at("nodes_seen").get<std::uint32_t>(),
                    .partial = from.at("partial").get<bool>()};
  for (const Json& member : from.at("members")) {
    manifest.members.push_back({.id = id_of<NodeId>(member.at("id")),
                                .weight = member.at("weight").get<std::uint64_t>(),
                                .step = member.at("step").get<Step>(),
                                .contribution = id_of<Digest>(member.at("contribution"))});
  }
  for (const Json& slice : from.at("slices")) {
    manifest.slices.push_back({.index = slice.at("index").get<std::uint32_t>(),
                               .contributors = ids_of(slice.at("contributors")),
                               .digest = id_of<Digest>(slice.at("digest"))});
  }
  return manifest;
}

/// The event's step is the one that its figures are of.
void add_sample(NodeWatch& node, const Json& event, double accuracy) {
  node.record.samples.push_back({.time_s = node.started_s + number(event, "time_s"),
                                 .step = event.at("step").get<Step>(),
                                 .loss = node.loss,
                                 .accuracy = accuracy,
                                 .bytes_sent = node.record.bytes_sent});
}

void note_merged(NodeWatch& node, const Json& event) {
  node.phase = "merged";
  node.record.fate = "merged";
  node.record.accuracy_before_merge = node.accuracy;
  node.accuracy = number(event, "accuracy");
  node.merged = Merged{.manifest = manifest_of(event.at("manifest")),
                       .quality = {number(event, "loss"), node.accuracy},
                       .distance = number(event, "distance"),
                       .norm = number(event, "norm")};
}

CaughtUp caught_up_of(const Json& event) {
  return {.step = event.at("step").get<Step>(),
          .method = event.at("method").get<std::string>(),
          .seconds = number(event, "seconds"),
          .replay_s = number(event, "replay_predicted_s"),
          .snapshot_s = number(event, "snapshot_predicted_s")};
}

void note(NodeWatch& node, const Json& event) {
  const auto name = event.at("event").get<std::string>();
  node.record.bytes_sent = event.at("bytes_sent").get<std::uint64_t>();
  node.record.bytes_received = event.at("bytes_received").get<std::uint64_t>();
  node.neighbour_count = event.at("neighbours").get<std::size_t>();
  if (name == "peer_joined" && node.phase == "starting") {
    node.phase = "joining";
  } else if (name == "caught_up") {
    node.phase = "caught up";
    node.record.caught_up = caught_up_of(event);
  } else if (name == "steps_done") {
    node.phase = "training";
    node.step = event.at("step").get<Step>();
    node.loss = number(event, "loss");
    add_sample(node, event, std::numeric_limits<double>::quiet_NaN());
  } else if (name == "evaluated") {
    node.accuracy = number(event, "accuracy");
    add_sample(node, event, node.accuracy);
  } else if (name == "exchanged") {
    node.record.exchanges += event.at("count").get<std::uint64_t>();
  } else if (name == "merge_started") {
    node.phase = "merging";
  } else if (name == "merged") {
    note_merged(node, event);
  }
}

}  // namespace

void note_event(NodeWatch& node, std::string_view line) try {
  note(node, Json::parse(line));
} catch (const Json::exception&) {
  return;  // cut off by a SIGKILL, or a library's own print
}

void note_status(NodeWatch& node, std::string_view json) try {
  const Json status = Json::parse(json);
  node.record.votes = status.at("votes").get<std::uint64_t>();
  if (const Json& privacy = status.at("privacy"); privacy.is_object()) {
    node.record.epsilon = privacy.at("epsilon").get<double>();
  }
  node.record.exchanges = status.at("exchanges").get<std::uint64_t>();
  node.record.neighbours.clear();
  for (const Json& neighbour : status.at("neighbours")) {
    node.record.neighbours.push_back(id_of<NodeId>(neighbour.at("id")));
  }
} catch (const Json::exception&) {
  return;  // a node that died before its first whole status
}

}  // namespace starling::cli
