#include "node/runtime/telemetry.h"

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace starling::runtime {

namespace {

using Json = nlohmann::ordered_json;

Json hex_list(const std::vector<NodeId>& ids) {
  Json list = Json::array();
  for (const NodeId& id : ids) list.push_back(id.hex());
  return list;
}

Json manifest_value(const Manifest& manifest) {
  Json members = Json::array();
  for (const MergeMember& member : manifest.members) {
    members.push_back({{"id", member.id.hex()},
                       {"weight", member.weight},
                       {"step", member.step},
                       {"contribution", member.contribution.hex()}});
  }
  Json slices = Json::array();
  for (const MergeSlice& slice : manifest.slices) {
    slices.push_back({{"index", slice.index},
                      {"contributors", hex_list(slice.contributors)},
                      {"digest", slice.digest.hex()}});
  }
  return {{"run", manifest.run.hex()},
          {"merge", manifest.merge.hex()},
          {"cut_off", manifest.cut_off},
          {"members", members},
          {"contributors", hex_list(manifest.contributors)},
          {"nodes_seen", manifest.nodes_seen},
          {"partial", manifest.partial},
          {"slices", slices},
          {"model", manifest.model.hex()},
          {"attestations", hex_list(manifest.attestations)}};
}

Json caught_up_value(const CaughtUp& caught_up) {
  return {{"step", caught_up.step},
          {"method", caught_up.method},
          {"seconds", caught_up.seconds},
          {"replay_predicted_s", caught_up.replay_s},
          {"snapshot_predicted_s", caught_up.snapshot_s}};
}

Json snapshot_value(const SnapshotSaved& snapshot) {
  return {{"step", snapshot.step}, {"votes", snapshot.votes}, {"model", snapshot.model.hex()}};
}

/// One overload per event: its name and its own fields.
struct EventFields {
  Json operator()(const PeerJoined& e) const {
    return {
        {"event", "peer_joined"}, {"peer", e.peer.hex()}, {"address", e.address}, {"path", e.path}};
  }
  Json operator()(const PeerLost& e) const {
    return {{"event", "peer_lost"}, {"peer", e.peer.hex()}, {"reason", e.reason}};
  }
  Json operator()(const StepsDone& e) const {
    return {{"event", "steps_done"}, {"step", e.step}, {"loss", e.loss}};
  }
  Json operator()(const Evaluated& e) const {
    return {{"event", "evaluated"},
            {"step", e.step},
            {"loss", e.quality.loss},
            {"accuracy", e.quality.accuracy},
            {"model", e.model.hex()}};
  }
  Json operator()(const Exchanged& e) const {
    return {{"event", "exchanged"},
            {"peer", e.peer.hex()},
            {"step", e.own_step},
            {"peer_step", e.peer_step}};
  }
  Json operator()(const Isolated&) const { return {{"event", "isolated"}}; }
  Json operator()(const ContactFailed& e) const {
    return {{"event", "contact_failed"},
            {"address", e.address},
            {"problem", e.problem},
            {"advice", e.advice}};
  }
  Json operator()(const CaughtUp& e) const {
    Json line = {{"event", "caught_up"}};
    line.update(caught_up_value(e));
    return line;
  }
  Json operator()(const SnapshotSaved& e) const {
    Json line = {{"event", "snapshot_saved"}};
    line.update(snapshot_value(e));
    return line;
  }
  Json operator()(const MergeStarted& e) const {
    return {{"event", "merge_started"}, {"merge", e.merge.hex()}};
  }
  Json operator()(const Excluded& e) const {
    return {{"event", "excluded"}, {"merge", e.merge.hex()}, {"reason", e.reason}};
  }
  Json operator()(const QuorumMissing& e) const {
    return {{"event", "quorum_missing"},
            {"present", e.present},
            {"needed", e.needed},
            {"nodes_seen", e.nodes_seen},
            {"missing", hex_list(e.missing)}};
  }
  Json operator()(const Merged& e) const {
    return {{"event", "merged"},
            {"loss", e.quality.loss},
            {"accuracy", e.quality.accuracy},
            {"distance", e.distance},
            {"norm", e.norm},
            {"manifest", manifest_value(e.manifest)}};
  }
  Json operator()(const Warned& e) const { return {{"event", "warned"}, {"text", e.text}}; }
  Json operator()(const Diverged& e) const {
    return {{"event", "diverged"},
            {"peer", e.peer.hex()},
            {"step", e.step},
            {"own", e.own.hex()},
            {"theirs", e.theirs.hex()}};
  }
  Json operator()(const DivergenceLocated& e) const {
    Json ranges = Json::array();
    for (const ParameterRange& range : e.ranges) {
      ranges.push_back({{"segment", range.segment}, {"first", range.first}, {"end", range.end}});
    }
    return {{"event", "divergence_located"},
            {"step", e.step},
            {"node", e.node.hex()},
            {"ranges", ranges}};
  }
  Json operator()(const Equivocated& e) const {
    return {{"event", "equivocated"}, {"author", e.author.hex()}, {"packet", e.packet}};
  }
  Json operator()(const Stopped& e) const { return {{"event", "stopped"}, {"error", e.error}}; }
};

/// Text that came from a peer or the system may not be UTF-8; JSON has to be.
std::string dump(const Json& value, int indent = -1) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string event_json(const Event& event, const EventContext& context) {
  Json line = std::visit(EventFields{}, event);
  if (std::holds_alternative<Exchanged>(event)) line["count"] = context.exchanges;
  line["time_s"] = to_seconds(context.since_start);
  line["bytes_sent"] = context.bytes_sent;
  line["bytes_received"] = context.bytes_received;
  line["neighbours"] = context.neighbours;
  return dump(line);
}

std::string status_json(const NodeStatus& status) {
  Json neighbours = Json::array();
  for (const NeighbourStatus& neighbour : status.neighbours) {
    neighbours.push_back({{"id", neighbour.id.hex()},
                          {"address", neighbour.address},
                          {"step", neighbour.step},
                          {"round_trip_ms", neighbour.round_trip_ms},
                          {"path", neighbour.path}});
  }
  Json privacy;
  if (status.privacy) {
    privacy = {{"epsilon", status.privacy->epsilon},
               {"epsilon_max", status.privacy->epsilon_max},
               {"delta", status.privacy->delta}};
  }
  return dump({{"self", status.self.hex()},
               {"run", status.run.hex()},
               {"phase", status.phase},
               {"step", status.step},
               {"steps_total", status.steps_total},
               {"loss", status.loss},
               {"accuracy", status.accuracy},
               {"neighbours", neighbours},
               {"bytes_sent", status.bytes_sent},
               {"bytes_received", status.bytes_received},
               {"relayed_bytes", status.relayed_bytes},
               {"reach", status.reach},
               {"exchanges", status.exchanges},
               {"votes", status.votes},
               {"caught_up", status.caught_up ? caught_up_value(*status.caught_up) : Json()},
               {"snapshot", status.snapshot ? snapshot_value(*status.snapshot) : Json()},
               {"agreed_step", status.agreed_step},
               {"divergences", status.divergences},
               {"equivocators", status.equivocators},
               {"privacy", privacy},
               {"nodes_present", status.nodes_present},
               {"nodes_seen", status.nodes_seen},
               {"quorum", status.quorum},
               {"excluded", status.excluded},
               {"unreconciled", status.unreconciled},
               {"rejected", status.rejected}});
}

std::string manifest_json(const Manifest& manifest) {
  return dump(manifest_value(manifest), 2) + "\n";
}

void print_event(const Event& event, const EventContext& context) {
  std::puts(event_json(event, context).c_str());
  std::fflush(stdout);
}

bool Telemetry::is_thinned_out(const Event& event, Instant at) {
  if (!std::holds_alternative<Exchanged>(event)) return false;
  ++exchanges_untold_;
  return !exchange_lines_.take(at);
}

Result<void> Telemetry::record(const Event& event, const EventContext& context) {
  if (is_thinned_out(event, Instant{context.since_start})) return {};
  EventContext told = context;
  if (std::holds_alternative<Exchanged>(event))
    told.exchanges = std::exchange(exchanges_untold_, 0);
  const std::string line = event_json(event, told);
  if (events_to_standard_output_) {
    std::puts(line.c_str());
    std::fflush(stdout);
  }
  return store_ != nullptr ? store_->append_metric(line) : Result<void>{};
}

Result<void> Telemetry::publish(const NodeStatus& status) {
  return store_ != nullptr ? store_->save_status(status_json(status)) : Result<void>{};
}

}  // namespace starling::runtime
