#include "protocol/ledger/ledger_sync.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/pace.h"

namespace starling::protocol {

namespace {

/// A bound that every replica evaluates alike, because it looks at the packet only.
bool is_too_frequent(const VotePacket& packet) {
  return packet.packet / limits::vote_packets_per_step_max > packet.step;
}

/// A version vector's digest is the exclusive or of its entries': one is exchanged in place.
void toggle(Digest& digest, std::string_view kind, const NodeId& author, std::uint64_t packets) {
  std::array<std::uint8_t, sizeof(NodeId::bytes) + sizeof(packets)> entry{};
  std::ranges::copy(author.bytes, entry.begin());
  for (std::size_t i = 0; i < sizeof(packets); ++i) {
    entry[sizeof(NodeId::bytes) + i] = static_cast<std::uint8_t>(packets >> (8 * i));
  }
  const Digest of_entry = crypto::digest_in(kind, entry);
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) digest.bytes[i] ^= of_entry.bytes[i];
}

void toggle_count(Digest& digest, const NodeId& author, std::uint64_t packets) {
  if (packets > 0) toggle(digest, "vote-count", author, packets);  // a vector has no others
}

}  // namespace

void LedgerSync::neighbour_up(const NodeId& peer, Instant now, Effects& effects) {
  neighbours_.try_emplace(peer);
  probe(peer, effects);
  sync_at_ = std::min(sync_at_, now + scaled(limits::vote_sync_interval, options_.interval_scale));
}

void LedgerSync::neighbour_down(const NodeId& peer) {
  neighbours_.erase(peer);
  requests_.forget_peer(peer);
  if (neighbours_.empty()) sync_at_ = Instant::never();
}

VoteInsertion LedgerSync::insert(const NodeId& author, const VotePacket& packet,
                                 Bytes signed_bytes) {
  if (is_too_frequent(packet)) return VoteInsertion::too_frequent;
  if (!authors_.contains(author) && authors_.size() >= limits::vote_authors_max) {
    return VoteInsertion::too_many_authors;
  }
  Author& record = authors_[author];
  const std::uint64_t number = packet.packet;
  if (record.voided_from && number >= *record.voided_from) return VoteInsertion::voided;
  if (const auto held = record.packets.find(number); held != record.packets.end()) {
    return held->second == signed_bytes ? VoteInsertion::duplicate : VoteInsertion::conflict;
  }
  if (number < record.contiguous) return VoteInsertion::duplicate;  // its bytes were let go
  if (number - record.contiguous > limits::vote_packets_ahead_max) {
    return VoteInsertion::too_far_ahead;
  }
  stored_bytes_ += signed_bytes.size();
  record.packets.emplace(number, std::move(signed_bytes));
  insertion_order_.emplace_back(author, number);
  advance(author, record, record.contiguous);
  while (stored_bytes_ > options_.store_bytes_max) forget_oldest();
  return VoteInsertion::stored;
}

std::optional<Voided> LedgerSync::convict(const EquivocationProof& proof, Bytes signed_bytes) {
  const NodeId& author = proof.author;
  if (!authors_.contains(author) && authors_.size() >= limits::vote_authors_max) {
    return std::nullopt;
  }
  Author& record = authors_[author];
  if (record.voided_from && *record.voided_from <= proof.packet) return std::nullopt;
  if (record.voided_from) toggle(digest_, "vote-void", author, *record.voided_from);
  toggle(digest_, "vote-void", author, proof.packet);
  convicted_ += record.voided_from ? 0 : 1;
  record.voided_from = proof.packet;
  record.proof = std::move(signed_bytes);
  Voided voided;
  const auto first = record.packets.lower_bound(proof.packet);
  const auto without_gap =
      std::distance(first, record.packets.lower_bound(std::max(record.contiguous, proof.packet)));
  voided.is_complete = record.contiguous <= proof.packet + static_cast<std::uint64_t>(without_gap);
  for (auto at = first; at != record.packets.end(); ++at) {
    stored_bytes_ -= at->second.size();
    voided.packets.insert(std::move(*at));
  }
  record.packets.erase(first, record.packets.end());
  if (record.contiguous > proof.packet) set_contiguous(author, record, proof.packet);
  record.changed_at = ++changes_;
  requests_.forget_author(author);
  return voided;
}

std::optional<std::uint64_t> LedgerSync::voided_from(const NodeId& author) const {
  const auto found = authors_.find(author);
  return found == authors_.end() ? std::nullopt : found->second.voided_from;
}

const Bytes* LedgerSync::find(const NodeId& author, std::uint64_t packet) const {
  const auto found = authors_.find(author);
  if (found == authors_.end()) return nullptr;
  const auto held = found->second.packets.find(packet);
  return held == found->second.packets.end() ? nullptr : &held->second;
}

void LedgerSync::begin_anew() {
  for (auto& [author, record] : authors_) {
    std::uint64_t held = 0;
    while (record.packets.contains(held)) ++held;
    if (held != record.contiguous) set_contiguous(author, record, held);
  }
  requests_.clear();
  is_whole_ = true;
}

void LedgerSync::adopt(const std::vector<VoteCount>& counts) {
  for (const VoteCount& count : counts) {
    Author& record = authors_[count.author];
    if (record.contiguous >= count.packets) continue;
    is_whole_ = false;
    advance(count.author, record, count.packets);
  }
}

Handled LedgerSync::receive(const NodeId& from, const VoteVector& vector, Instant now,
                            Effects& effects) {
  if (vector.counts.size() > limits::vote_vector_counts_max) {
    return std::unexpected(RejectReason::too_large);
  }
  const auto found = neighbours_.find(from);
  if (found == neighbours_.end()) return std::unexpected(RejectReason::unexpected);
  auto& heard = found->second.heard;
  for (const VoteCount& count : vector.counts) {
    if (!heard.contains(count.author) && heard.size() >= limits::vote_authors_max) {
      return std::unexpected(RejectReason::flood);
    }
    if (count.packets > 0) heard[count.author] = count.packets;
  }
  found->second.digest = vector.digest;
  std::set<NodeId> unproven;  // what the peer counts and would not, if it had seen the proof
  for (const VoteCount& count : vector.counts) {
    if (countable(count.author, count.packets) < count.packets) unproven.insert(count.author);
  }
  const bool differs = vector.digest != digest_;
  // What we told it before it took us for a neighbour it has refused. One that has been told all
  // and differs may have refused some of that, or be fetching still.
  const bool is_first = !std::exchange(found->second.has_spoken, true);
  if (!differs) {
    found->second.told_at = changes_;
  } else if (is_first || (found->second.told_at == changes_ && now >= found->second.repeat_at)) {
    found->second.told_at = 0;
    found->second.repeat_at = now + scaled(limits::vote_sync_interval, options_.interval_scale);
    for (const auto& [author, record] : authors_) {
      if (record.voided_from) unproven.insert(author);
    }
  }
  send_proofs(from, unproven, effects);
  if (vector.wants_reply) send_vector(from, vector.is_probe && differs, effects);
  request_missing(from, now, effects);
  return {};
}

Instant LedgerSync::next_deadline() const {
  return sync_at_;
}

void LedgerSync::tick(Instant now, Effects& effects) {
  if (now < sync_at_ || neighbours_.empty()) return;
  const auto chosen =
      std::next(neighbours_.begin(), static_cast<std::ptrdiff_t>(rng_.below(neighbours_.size())));
  probe(chosen->first, effects);
  sync_at_ = now + scaled(limits::vote_sync_interval, options_.interval_scale);
}

void LedgerSync::sync_now(Effects& effects) {
  for (const auto& [peer, neighbour] : neighbours_) {
    if (neighbour.digest != digest_) probe(peer, effects);
  }
}

std::vector<VoteCount> LedgerSync::version_vector() const {
  std::vector<VoteCount> counts;
  for (const auto& [author, record] : authors_) {
    if (record.contiguous > 0) counts.push_back({.author = author, .packets = record.contiguous});
  }
  return counts;
}

bool LedgerSync::agrees_with_neighbours() const {
  const auto agrees = [this](const auto& entry) { return entry.second.digest == digest_; };
  return !neighbours_.empty() && std::ranges::all_of(neighbours_, agrees);
}

std::optional<std::vector<Bytes>> LedgerSync::all_packets() const {
  if (!is_whole_) return std::nullopt;
  std::vector<Bytes> packets;
  for (const HeldPacket& held : held_beyond({})) {
    packets.emplace_back(held.signed_bytes.begin(), held.signed_bytes.end());
  }
  return packets;
}

/// contiguous: all packets below are held, and perhaps more.
void LedgerSync::advance(const NodeId& author, Author& record, std::uint64_t contiguous) {
  while (record.packets.contains(contiguous)) ++contiguous;
  if (contiguous != record.contiguous) set_contiguous(author, record, contiguous);
}

void LedgerSync::set_contiguous(const NodeId& author, Author& record, std::uint64_t contiguous) {
  toggle_count(digest_, author, record.contiguous);
  toggle_count(digest_, author, contiguous);
  record.contiguous = contiguous;
  record.changed_at = ++changes_;
}

std::uint64_t LedgerSync::countable(const NodeId& author, std::uint64_t told) const {
  const auto voided = voided_from(author);
  return voided ? std::min(told, *voided) : told;
}

void LedgerSync::send_proofs(const NodeId& peer, const std::set<NodeId>& authors,
                             Effects& effects) const {
  for (const NodeId& author : authors) {
    effects.send(peer, VoteRange{{authors_.at(author).proof}});
  }
}

bool LedgerSync::holds(const NodeId& author, std::uint64_t packet) const {
  const auto found = authors_.find(author);
  return found != authors_.end() &&
         (packet < found->second.contiguous || found->second.packets.contains(packet));
}

void LedgerSync::probe(const NodeId& peer, Effects& effects) const {
  effects.send(peer,
               VoteVector{.counts = {}, .wants_reply = true, .digest = digest_, .is_probe = true});
}

/// What the peer knows already is left out: it remembers what it was told, for as long as the link
/// lasts, and a link loses nothing.
void LedgerSync::send_vector(const NodeId& peer, bool wants_reply, Effects& effects) {
  Neighbour& neighbour = neighbours_.at(peer);
  std::vector<VoteCount> counts;
  for (const auto& [author, record] : authors_) {
    if (record.changed_at <= neighbour.told_at) continue;
    counts.push_back({.author = author, .packets = record.contiguous});
  }
  neighbour.told_at = changes_;
  auto at = counts.begin();
  do {  // an empty vector is sent too: it tells the digest, and may ask for the peer's
    const auto left = static_cast<std::size_t>(counts.end() - at);
    const auto next =
        at + static_cast<std::ptrdiff_t>(std::min(left, limits::vote_vector_counts_max));
    // Only the last part asks for the reply, when the peer has heard everything.
    effects.send(peer, VoteVector{.counts = {at, next},
                                  .wants_reply = wants_reply && next == counts.end(),
                                  .digest = digest_});
    at = next;
  } while (at != counts.end());
}

std::vector<NodeId> LedgerSync::neighbours() const {
  std::vector<NodeId> peers;
  for (const auto& [peer, neighbour] : neighbours_) peers.push_back(peer);
  return peers;
}

std::uint64_t LedgerSync::packets_held() const {
  std::uint64_t held = 0;
  for (const auto& [author, record] : authors_) held += record.contiguous;
  return held;
}

bool LedgerSync::contains(const std::vector<VoteCount>& counts) const {
  return std::ranges::all_of(counts, [this](const VoteCount& count) {
    const std::uint64_t packets = countable(count.author, count.packets);
    const auto found = authors_.find(count.author);
    return packets == 0 || (found != authors_.end() && found->second.contiguous >= packets);
  });
}

std::vector<HeldPacket> LedgerSync::held_beyond(const std::vector<VoteCount>& counts) const {
  std::map<NodeId, std::uint64_t> ends;
  for (const VoteCount& count : counts) ends[count.author] = count.packets;
  std::vector<HeldPacket> held;
  for (const auto& [author, record] : authors_) {
    const auto end = ends.find(author);
    const std::uint64_t first = end == ends.end() ? 0 : end->second;
    for (auto at = record.packets.lower_bound(first); at != record.packets.end(); ++at) {
      held.push_back({author, at->first, at->second});
    }
  }
  return held;
}

void LedgerSync::forget_oldest() {
  const auto [author, number] = insertion_order_.front();
  insertion_order_.pop_front();
  Author& record = authors_[author];
  // A packet beyond a gap has not been counted yet: it is fetched again when its turn comes.
  const auto held = record.packets.find(number);
  if (held == record.packets.end()) return;  // void meanwhile
  stored_bytes_ -= held->second.size();
  record.packets.erase(held);
  is_whole_ = false;
}

}  // namespace starling::protocol
