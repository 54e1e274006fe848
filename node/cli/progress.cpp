#include "node/cli/progress.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <optional>
#include <variant>

#include "node/cli/terminal.h"

namespace starling::cli {
namespace {

std::string number_text(double value, int decimals) {
  std::array<char, 64> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

std::string percent_text(double share) {
  return std::isnan(share) ? "unknown" : number_text(share * 100, 2) + " %";
}

std::string seconds_text(double seconds) {
  return number_text(seconds, seconds < 1 ? 3 : 1) + " s";
}

std::string quorum_text(const QuorumMissing& e) {
  std::string text = std::to_string(e.present) + " of the " + std::to_string(e.nodes_seen) +
                     " nodes seen in this run are here; the merge needs " +
                     std::to_string(e.needed) + ". Waiting for";
  for (const NodeId& node : e.missing) text += " " + node.short_text();
  const std::uint64_t unnamed = e.nodes_seen - e.present - e.missing.size();
  if (unnamed > 0) text += " and " + std::to_string(unnamed) + " more";
  return text + " (or merge without them: starling merge DIR --accept-partial)";
}

/// The events worth a line of their own; nothing for those that only move the numbers.
struct LineOf {
  using Line = std::optional<std::string>;
  Line operator()(const PeerJoined& e) const {
    return "neighbour " + e.peer.short_text() + " at " + e.address + " (" + e.path + ")";
  }
  Line operator()(const PeerLost& e) const {
    return "neighbour " + e.peer.short_text() + " is gone: " + e.reason;
  }
  Line operator()(const Evaluated& e) const {
    return "step " + std::to_string(e.step) + ": test loss " + number_text(e.quality.loss, 4) +
           ", accuracy " + percent_text(e.quality.accuracy);
  }
  Line operator()(const Isolated&) const {
    return "there is no neighbour; trying every known address";
  }
  Line operator()(const ContactFailed& e) const { return contact_failed_text(e); }
  Line operator()(const CaughtUp& e) const { return catch_up_text(e); }
  Line operator()(const MergeStarted&) const { return "the final merge has begun"; }
  Line operator()(const Excluded& e) const { return "EXCLUDED: " + e.reason; }
  Line operator()(const QuorumMissing& e) const { return quorum_text(e); }
  Line operator()(const Merged& e) const {
    return "merged " + std::to_string(e.manifest.contributors.size()) + " nodes" +
           (e.manifest.partial
                ? ", a partial model of " + std::to_string(e.manifest.nodes_seen) + " nodes seen"
                : "") +
           ": accuracy " + percent_text(e.quality.accuracy) + ", model " +
           e.manifest.model.short_text();
  }
  Line operator()(const Warned& e) const { return "warning: " + e.text; }
  Line operator()(const SnapshotSaved&) const { return std::nullopt; }
  Line operator()(const Diverged& e) const {
    return "DIVERGED at step " + std::to_string(e.step) + ": same votes, but model " +
           e.own.short_text() + " here and " + e.theirs.short_text() + " at " +
           e.peer.short_text() + "; rebuilding from the ledger";
  }
  Line operator()(const DivergenceLocated& e) const {
    std::string line = "the replica of " + e.node.short_text() + " was wrong at step " +
                       std::to_string(e.step) + ", in";
    for (const ParameterRange& range : e.ranges) {
      line += " " + range.segment + "[" + std::to_string(range.first) + ":" +
              std::to_string(range.end) + "]";
    }
    return line;
  }
  Line operator()(const Equivocated& e) const {
    return "EQUIVOCATED: " + e.author.short_text() + " signed two packets of votes with number " +
           std::to_string(e.packet) + "; its votes from there on count nowhere";
  }
  Line operator()(const StepsDone&) const { return std::nullopt; }
  Line operator()(const Exchanged&) const { return std::nullopt; }
  Line operator()(const Stopped&) const { return std::nullopt; }
};

// Back to the line's start, and erase it (ECMA-48, EL 2).
constexpr const char* rewrite_line = "\r\x1b[2K";

}  // namespace

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
  return number_text(value, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string contact_failed_text(const ContactFailed& failed) {
  if (failed.problem == "self") return failed.advice;
  return "cannot reach " + failed.address + ": " + failed.advice + "; trying again";
}

std::string time_text(UnixSeconds time) {
  const auto seconds = static_cast<std::time_t>(time.value);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text;
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::string ago_text(UnixSeconds time, UnixSeconds now) {
  const std::int64_t seconds = std::max<std::int64_t>(now.value - time.value, 0);
  if (seconds < 120) return std::to_string(seconds) + " s ago";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + " min ago";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + " h ago";
  return std::to_string(seconds / (24 * 3600)) + " days ago";
}

std::string catch_up_text(const CaughtUp& caught_up) {
  const std::string where = "at step " + std::to_string(caught_up.step);
  if (caught_up.method == "state") return "took over the run's state " + where;
  const bool is_replay = caught_up.method == "replay";
  const double predicted = is_replay ? caught_up.replay_s : caught_up.snapshot_s;
  const double other = is_replay ? caught_up.snapshot_s : caught_up.replay_s;
  std::string text =
      "caught up by " + caught_up.method + " " + where + " in " + seconds_text(caught_up.seconds);
  if (!std::isnan(predicted)) text += ", predicted " + seconds_text(predicted);
  const std::string name = is_replay ? "snapshot" : "replay";
  if (std::isinf(other)) return text + "; " + name + " was not possible";
  return std::isnan(other) ? text : text + "; " + name + " would have taken " + seconds_text(other);
}

std::string progress_text(const NodeStatus& status) {
  return "step " + std::to_string(status.step) + "/" + std::to_string(status.steps_total) +
         ", loss " + (status.step == 0 ? "unknown" : number_text(status.loss, 4)) + ", accuracy " +
         percent_text(status.accuracy) + ", " + std::to_string(status.neighbours.size()) +
         (status.neighbours.size() == 1 ? " neighbour, " : " neighbours, ") +
         bytes_text(status.bytes_sent) + " sent, " + bytes_text(status.bytes_received) +
         " received";
}

void Progress::say(const std::string& line) {
  if (style_ != ProgressStyle::silent) print_line(line);
}

void Progress::show(const Event& event, const NodeStatus& status) {
  if (style_ == ProgressStyle::silent) return;
  if (const auto line = std::visit(LineOf{}, event)) print_line(*line);
  if (style_ == ProgressStyle::updating) update_line(status);
}

void Progress::print_line(const std::string& line) {
  std::printf("%s%s\n", line_is_open_ ? rewrite_line : "", line.c_str());
  std::fflush(stdout);
  line_is_open_ = false;
}

void Progress::update_line(const NodeStatus& status) {
  const std::string line =
      cut_to(status.phase + ": " + progress_text(status), columns_of(stdout) - 1);
  std::printf("%s%s", rewrite_line, line.c_str());
  std::fflush(stdout);
  line_is_open_ = true;
}

void Progress::finish() {
  if (line_is_open_) std::printf("\n");
  line_is_open_ = false;
}

}  // namespace starling::cli
