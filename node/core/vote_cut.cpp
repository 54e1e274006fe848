#include "node/core/vote_cut.h"

#include <algorithm>
#include <map>
#include <utility>

#include "protocol/wire/announcement.h"
#include "starling/check.h"

namespace starling::node {

VoteBatch batch_of(const protocol::HeldPacket& held, Step window_steps) {
  auto opened = protocol::reopen_announcement(held.signed_bytes);
  STARLING_CHECK(opened && std::holds_alternative<protocol::VotePacket>(opened->content));
  auto& packet = std::get<protocol::VotePacket>(opened->content);
  if (protocol::is_void(packet, window_steps)) packet.codes.clear();
  return {held.author, packet.step, packet.first_probe, std::move(packet.codes), held.packet};
}

VoteCut cut_before(const CutOptions& options, const protocol::LedgerSync& ledger) {
  std::map<NodeId, std::uint64_t> ends;  // of the prefixes
  for (const auto& [author, packets] : ledger.version_vector()) ends[author] = packets;
  VoteCut cut{.step = options.step, .packets = {}, .votes = 0, .without = {}};
  for (const protocol::HeldPacket& held : ledger.held_beyond(options.known)) {
    const auto end = ends.find(held.author);
    VoteBatch batch = batch_of(held, options.window_steps);
    const bool is_in_prefix = end != ends.end() && held.packet < end->second;
    if (is_in_prefix && batch.step < options.step) continue;
    if (is_in_prefix) end->second = held.packet;
    if (!batch.codes.empty()) cut.without.push_back(std::move(batch));
  }
  for (const auto& [author, packets] : ends) {
    if (packets > 0) cut.packets.push_back({author, packets});
  }
  return cut;
}

}  // namespace starling::node
