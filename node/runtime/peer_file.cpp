#include "node/runtime/peer_file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/digest.h"
#include "protocol/limits.h"
#include "protocol/overlay/address_book.h"

namespace starling::runtime {

namespace {

namespace limits = protocol::limits;

constexpr std::string_view header = "starling-peers-1";
constexpr std::string_view peer_word = "peer ";
constexpr std::string_view seen_word = "seen ";
constexpr std::size_t checksum_digits = 8;

std::string checksum(std::string_view content) {
  const ByteSpan bytes(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
  return crypto::digest_in("starling peers", bytes).hex().substr(0, checksum_digits);
}

void append_line(std::string& text, const std::string& content) {
  text += checksum(content) + " " + content + "\n";
}

/// What stands behind the checksum, if that is right.
std::optional<std::string_view> checked_content(std::string_view line) {
  if (line.size() <= checksum_digits || line[checksum_digits] != ' ') return std::nullopt;
  const std::string_view content = line.substr(checksum_digits + 1);
  if (checksum(content) != line.substr(0, checksum_digits)) return std::nullopt;
  return content;
}

std::optional<NodeId> take_id(std::string_view& content) {
  constexpr std::size_t id_digits = 2 * NodeId::size;
  const auto bytes = from_hex(content.substr(0, id_digits));
  if (!bytes) return std::nullopt;
  content.remove_prefix(std::min(id_digits, content.size()));
  return NodeId::from_bytes(*bytes);
}

bool take_peer(std::string_view content, node::RememberedPeers& peers) {
  const auto id = take_id(content);
  if (!id || !content.starts_with(' ')) return false;
  protocol::PeerRecord record{*id, std::string(content.substr(1))};
  if (!protocol::is_dialable(record)) return false;
  if (peers.records.size() < limits::remembered_peers_max) {
    peers.records.push_back(std::move(record));
  }
  return true;
}

bool take_seen(std::string_view content, node::RememberedPeers& peers) {
  const auto id = take_id(content);
  if (!id || !content.empty()) return false;
  if (peers.seen.size() < limits::nodes_seen_max) peers.seen.push_back(*id);
  return true;
}

bool take_line(std::string_view line, node::RememberedPeers& peers) {
  auto content = checked_content(line);
  if (!content) return false;
  const bool is_peer = content->starts_with(peer_word);
  if (!is_peer && !content->starts_with(seen_word)) return false;
  content->remove_prefix(peer_word.size());
  return is_peer ? take_peer(*content, peers) : take_seen(*content, peers);
}

}  // namespace

std::string peer_file_text(const node::RememberedPeers& peers) {
  std::string text = std::string(header) + "\n";
  for (const protocol::PeerRecord& record : peers.records) {
    append_line(text, std::string(peer_word) + record.id.hex() + " " + record.address);
  }
  for (const NodeId& node : peers.seen) append_line(text, std::string(seen_word) + node.hex());
  return text;
}

ReadPeers read_peer_file(std::string_view text) {
  ReadPeers read;
  for (bool is_first = true; !text.empty(); is_first = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool is_good = is_first ? line == header : take_line(line, read.peers);
    if (!is_good) ++read.bad_lines;
  }
  return read;
}

}  // namespace starling::runtime
