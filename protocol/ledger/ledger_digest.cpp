#include "protocol/ledger/ledger_digest.h"

#include <algorithm>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {
namespace {

template <class Item>
void push_bounded(std::vector<Item>& items, Item item) {
  if (items.size() >= limits::cuts_kept_max) items.erase(items.begin());
  items.push_back(std::move(item));
}

}  // namespace

void PacketSet::add(const Digest& packet) {
  unsigned carry = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const auto sum = static_cast<unsigned __int128>(sum_[i]) + packet.word(i) + carry;
    sum_[i] = static_cast<std::uint64_t>(sum);
    carry = static_cast<unsigned>(sum >> 64U);
  }
  packets_ += 1;
}

void PacketSet::remove(const Digest& packet) {
  unsigned borrow = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    const auto rest = static_cast<unsigned __int128>(sum_[i]) - packet.word(i) - borrow;
    sum_[i] = static_cast<std::uint64_t>(rest);
    borrow = static_cast<unsigned>(rest >> 64U) & 1U;
  }
  packets_ -= 1;
}

Digest PacketSet::name() const {
  Digest name;
  for (std::size_t i = 0; i < name.bytes.size(); ++i) {
    name.bytes[i] = static_cast<std::uint8_t>(sum_[i / 8] >> (i % 8 * 8));
  }
  return name;
}

void DigestBook::neighbour_up(const NodeId& peer, Effects& effects) {
  neighbours_.try_emplace(peer);
  if (!own_.empty() && !own_.back().is_replaced) effects.send(peer, own_.back().whole);
}

std::vector<Comparison> DigestBook::add(OwnCut cut, Effects& effects) {
  std::vector<Comparison> comparisons;
  for (auto& [peer, heard] : neighbours_) {
    effects.send(peer, cut.whole);
    const auto same = std::ranges::find_if(heard, [&](const CutDigest& theirs) {
      return theirs.step == cut.whole.step && theirs.votes == cut.whole.votes;
    });
    if (same == heard.end()) continue;
    comparisons.push_back(compare(peer, cut, *same, effects));
    heard.erase(same);
  }
  push_bounded(own_, std::move(cut));
  return comparisons;
}

std::optional<Comparison> DigestBook::receive(const NodeId& from, const CutDigest& cut,
                                              Effects& effects) {
  const auto neighbour = neighbours_.find(from);
  if (neighbour == neighbours_.end()) return std::nullopt;  // views change while it was under way
  if (const OwnCut* own = find(cut.step, cut.votes)) {
    const Comparison comparison = compare(from, *own, cut, effects);
    return own->is_replaced ? std::nullopt : std::optional(comparison);
  }
  push_bounded(neighbour->second, cut);
  return std::nullopt;
}

std::expected<std::vector<std::size_t>, RejectReason> DigestBook::differing(
    const CutParts& theirs) const {
  std::vector<std::size_t> indices;
  const OwnCut* own = find(theirs.step, theirs.votes);
  if (own == nullptr) return indices;
  if (own->parts.size() != theirs.parts.size()) return std::unexpected(RejectReason::bad_payload);
  for (std::size_t i = 0; i < theirs.parts.size(); ++i) {
    if (own->parts[i] != theirs.parts[i]) indices.push_back(i);
  }
  return indices;
}

bool DigestBook::has_other_votes(const CutDigest& theirs) const {
  return std::ranges::any_of(own_, [&](const OwnCut& own) {
    return own.whole.step == theirs.step && own.whole.packets == theirs.packets &&
           own.whole.votes != theirs.votes;
  });
}

void DigestBook::replace_own() {
  for (OwnCut& cut : own_) cut.is_replaced = true;
}

const OwnCut* DigestBook::find(Step step, const Digest& votes) const {
  const auto found = std::ranges::find_if(
      own_, [&](const OwnCut& cut) { return cut.whole.step == step && cut.whole.votes == votes; });
  return found == own_.end() ? nullptr : &*found;
}

Comparison DigestBook::compare(const NodeId& peer, const OwnCut& own, const CutDigest& theirs,
                               Effects& effects) {
  const Comparison comparison{peer, own.whole.step, own.whole.model, theirs.model};
  if (!comparison.agrees()) {
    effects.send(peer, CutParts{own.whole.step, own.whole.votes, own.parts});
  }
  return comparison;
}

}  // namespace starling::protocol
