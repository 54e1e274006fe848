#include "node/cli/ledger_directory.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "model/tasks.h"
#include "node/runtime/file.h"
#include "node/runtime/record_log.h"
#include "node/runtime/store.h"

namespace starling::cli {
namespace {

namespace fs = std::filesystem;

Result<Invitation> read_invitation(const fs::path& path) {
  auto invitation = kept_invitation(path);
  if (!invitation) return invitation;
  if (invitation->run.recipe.as_ledger() != nullptr) return invitation;
  return invalid_input("the run of " + path.native() + " has recipe '" +
                       invitation->run.recipe.name +
                       "', which keeps no ledger; expected one that votes");
}

Result<node::SavedState> read_state(const fs::path& path) {
  const auto bytes = runtime::read_checkpoint(path);
  if (!bytes) return std::unexpected(bytes.error());
  return node::decode_saved_state(*bytes);
}

/// A ledger knows parameters by their numbers only; names of segments are the task's.
Result<std::vector<Segment>> find_segments(const RunDescription& run) {
  if (run.recipe.ledger().segment_factors.empty()) return std::vector<Segment>();
  model::TaskOptions options;
  options.data.feature_count = run.features;
  options.data.class_count = run.classes;
  const auto task = model::make_task(run.task, options);
  if (!task) return std::unexpected(task.error());
  return (*task)->segments();
}

std::string good_part(const runtime::RecordLogContent& log) {
  return "at byte " + std::to_string(log.good_bytes) + ", after " +
         std::to_string(log.records.size()) + " good records";
}

Result<void> read_packets(const fs::path& path, LedgerDirectory& ledger) {
  const auto log = runtime::read_record_log(path);
  if (!log) return std::unexpected(log.error());
  if (log->end == runtime::LogEnd::damaged) {
    return failure(path.native() + " is damaged " + good_part(*log) +
                   "; start its node once to cut it off there and fetch the rest again");
  }
  if (log->end == runtime::LogEnd::cut) {
    ledger.note =
        "the last record of " + path.native() + " is not whole: it is cut " + good_part(*log);
  }
  std::vector<node::LedgerRecord> records;
  for (const Bytes& bytes : log->records) {
    auto record = node::open_record(bytes, ledger.invitation.ticket.run);
    if (!record) {
      return failure("record " + std::to_string(records.size() + 1) + " of " + path.native() +
                     ": " + record.error().message);
    }
    records.push_back(std::move(*record));
  }
  ledger.voided_from = node::voided_from(records);
  ledger.packets = node::valid_packets(std::move(records));
  return {};
}

bool holds_void(const node::SavedState& snapshot, const LedgerDirectory& ledger) {
  const auto* state = std::get_if<node::LedgerState>(&snapshot.values);
  return state != nullptr && std::ranges::any_of(state->packets, [&](const auto& count) {
           const auto voided = ledger.voided_from.find(count.author);
           return voided != ledger.voided_from.end() && voided->second < count.packets;
         });
}

/// The first packet without which the models of the ledger's steps cannot be told.
Result<std::optional<protocol::VoteCount>> find_missing(const LedgerDirectory& ledger) {
  const auto replay = replay_of(ledger);
  if (!replay) return std::unexpected(replay.error());
  return replay->first_missing();
}

}  // namespace

node::LedgerReplayOptions LedgerDirectory::replay_options() const {
  return {invitation.run.recipe, invitation.ticket.run, invitation.run.steps, segments};
}

Result<node::LedgerReplay> replay_of(const LedgerDirectory& ledger) {
  auto replay = node::LedgerReplay::create(ledger.replay_options(), ledger.base);
  if (!replay) return replay;
  for (const node::LedgerPacket& packet : ledger.packets) replay->add(packet);
  return replay;
}

Result<LedgerDirectory> open_ledger(const fs::path& path) {
  auto invitation = read_invitation(path);
  if (!invitation) return std::unexpected(invitation.error());
  auto start = read_state(path / "start");
  if (!start) return std::unexpected(start.error());
  auto segments = find_segments(invitation->run);
  if (!segments) return std::unexpected(segments.error());
  LedgerDirectory ledger{.invitation = std::move(*invitation),
                         .base = std::move(*start),
                         .segments = std::move(*segments),
                         .packets = {},
                         .voided_from = {},
                         .note = {}};
  if (auto read = read_packets(path / "votes.log", ledger); !read) {
    return std::unexpected(read.error());
  }
  auto missing = find_missing(ledger);
  if (!missing) return std::unexpected(missing.error());
  if (!*missing) return ledger;
  // A joiner's log begins with the snapshot that it was given.
  if (auto snapshot = read_state(path / "checkpoint")) {
    if (holds_void(*snapshot, ledger)) {
      return failure("the checkpoint in " + path.native() +
                     " contains votes that are void by now; start its node once to rebuild it");
    }
    ledger.base = std::move(*snapshot);
    missing = find_missing(ledger);
    if (!missing) return std::unexpected(missing.error());
    if (!*missing) return ledger;
  }
  return failure("packet " + std::to_string((*missing)->packets) + " of " +
                 (*missing)->author.short_text() + " is missing in " + path.native() +
                 "; start its node once to fetch it again");
}

}  // namespace starling::cli
