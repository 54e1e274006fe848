#include "node/core/ledger_replay.h"

#include <algorithm>
#include <string>
#include <utility>

#include "crypto/digest.h"
#include "node/core/fixed_point.h"
#include "protocol/ledger/ledger_sync.h"

namespace starling::node {

Result<LedgerRecord> open_record(ByteSpan record, const RunId& run) {
  auto opened = protocol::open_announcement(record, run);
  if (!opened) {
    return failure("it is of another run, or damaged: " +
                   std::string(protocol::name_of(opened.error())));
  }
  if (auto* packet = std::get_if<protocol::VotePacket>(&opened->content)) {
    return LedgerPacket{opened->author, std::move(*packet)};
  }
  if (auto* proof = std::get_if<protocol::EquivocationProof>(&opened->content)) {
    return std::move(*proof);
  }
  return failure("it holds no votes");
}

std::map<NodeId, std::uint64_t> voided_from(std::span<const LedgerRecord> records) {
  std::map<NodeId, std::uint64_t> numbers;
  for (const LedgerRecord& record : records) {
    const auto* proof = std::get_if<protocol::EquivocationProof>(&record);
    if (proof == nullptr) continue;
    const auto [at, is_first] = numbers.try_emplace(proof->author, proof->packet);
    if (!is_first) at->second = std::min(at->second, proof->packet);
  }
  return numbers;
}

std::vector<LedgerPacket> valid_packets(std::vector<LedgerRecord> records) {
  const std::map<NodeId, std::uint64_t> numbers = voided_from(records);
  std::vector<LedgerPacket> valid;
  for (LedgerRecord& record : records) {
    auto* cast = std::get_if<LedgerPacket>(&record);
    if (cast == nullptr) continue;
    const auto voided = numbers.find(cast->author);
    if (voided != numbers.end() && cast->packet.packet >= voided->second) continue;
    valid.push_back(std::move(*cast));
  }
  return valid;
}

Result<LedgerReplay> LedgerReplay::create(LedgerReplayOptions options, const SavedState& base) {
  const auto* ledger = std::get_if<LedgerState>(&base.values);
  if (ledger == nullptr || ledger->grid.empty()) {
    return invalid_input("the state to begin with holds no ledger; expected one of recipe votes");
  }
  if (base.recipe != options.recipe.canonical_text()) {
    return invalid_input("the state to begin with was saved under another recipe than the run's");
  }
  auto movement =
      optim::Movement::create(options.recipe.ledger(), ledger->grid.size(), options.segments);
  if (!movement) return std::unexpected(movement.error());
  return LedgerReplay(std::move(options), std::move(*movement), base);
}

LedgerReplay::LedgerReplay(LedgerReplayOptions options, optim::Movement movement,
                           const SavedState& base)
    : options_(std::move(options)),
      replica_({options_.recipe.ledger(), options_.run, options_.steps_total}, std::move(movement),
               std::vector<float>(std::get<LedgerState>(base.values).grid.size())),
      votes_(std::get<LedgerState>(base.values).votes),
      end_(base.step) {
  const auto& ledger = std::get<LedgerState>(base.values);
  replica_.set_grid(ledger.grid);
  for (const auto& [author, packets] : ledger.packets) based_on_[author] = packets;
}

void LedgerReplay::add(const LedgerPacket& cast) {
  const auto& [author, packet] = cast;
  const auto contained = based_on_.find(author);
  if (contained != based_on_.end() && packet.packet < contained->second) return;
  if (!held_[author].insert(packet.packet).second) return;
  end_ = std::max(end_, packet.step + 1);
  if (protocol::is_void(packet, options_.recipe.ledger().window_steps)) return;
  waiting_[packet.step].push_back({author, packet.step, packet.first_probe, packet.codes});
}

void LedgerReplay::advance(Step step) {
  std::vector<optim::VoteSpan> spans;
  const auto end = waiting_.lower_bound(step);
  for (auto at = waiting_.begin(); at != end; ++at) {
    for (const VoteBatch& batch : at->second) {
      spans.push_back({batch.author, batch.step, batch.first_probe, batch.codes});
      votes_ += batch.codes.size();
    }
  }
  replica_.apply(spans);
  waiting_.erase(waiting_.begin(), end);
}

std::optional<protocol::VoteCount> LedgerReplay::first_missing() const {
  for (const auto& [author, packets] : held_) {
    const auto contained = based_on_.find(author);
    std::uint64_t next = contained == based_on_.end() ? 0 : contained->second;
    for (const std::uint64_t packet : packets) {
      if (packet != next) return protocol::VoteCount{author, next};
      ++next;
    }
  }
  return std::nullopt;
}

Digest LedgerReplay::digest() const {
  return crypto::digest_of(to_fixed_point(replica_.grid()));
}

}  // namespace starling::node
