#include "protocol/merge/roster.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {
namespace {

constexpr std::size_t name_bytes = std::tuple_size_v<ContributionName>;
/// Id, contribution and three varints of one byte: no member is shorter.
constexpr std::size_t member_bytes_min = NodeId::size + name_bytes + 3;

void put_number(std::uint64_t value, unsigned bytes, Bytes& out) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_varint(std::uint64_t value, Bytes& out) {
  for (; value >= 0x80; value >>= 7U) out.push_back(static_cast<std::uint8_t>(value | 0x80U));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// Reads from the front of `left`; after a failure every further read fails too.
struct Reader {
  ByteSpan left;
  bool is_good = true;

  ByteSpan bytes(std::size_t size) {
    is_good = is_good && left.size() >= size;
    if (!is_good) return {};
    const ByteSpan front = left.first(size);
    left = left.subspan(size);
    return front;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; const std::uint8_t byte : bytes(size)) {
      value |= std::uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; is_good; shift += 7) {
      const std::uint64_t byte = number(1);
      value |= (byte & 0x7FU) << shift;
      if (byte < 0x80) {
        is_good = is_good && (byte != 0 || shift == 0) && (shift < 63 || byte <= 1);
        return value;
      }
      is_good = is_good && shift < 63;
    }
    return 0;
  }
};

std::vector<Member> read_edges(Reader& reader, std::size_t place, std::size_t count) {
  const std::uint64_t edges = reader.varint();
  reader.is_good = reader.is_good && edges < count && 2 * edges <= reader.left.size();
  std::vector<Member> read;
  if (!reader.is_good) return read;
  read.reserve(edges);
  std::uint64_t last = place;
  for (std::uint64_t i = 0; i < edges; ++i) {
    const std::uint64_t next = reader.number(2);
    reader.is_good = reader.is_good && next > last && next < count;
    read.push_back(static_cast<Member>(next));
    last = next;
  }
  return read;
}

RosterMember read_member(Reader& reader, std::size_t place, std::size_t count) {
  RosterMember member;
  std::ranges::copy(reader.bytes(NodeId::size), member.id.bytes.begin());
  std::ranges::copy(reader.bytes(name_bytes), member.contribution.begin());
  member.weight = reader.varint();
  member.step = reader.varint();
  member.edges = read_edges(reader, place, count);
  reader.is_good = reader.is_good && member.weight <= limits::merge_weight_max;
  return member;
}

}  // namespace

ContributionName name_of_contribution(const Digest& digest) {
  ContributionName name;
  std::copy_n(digest.bytes.begin(), name.size(), name.begin());
  return name;
}

std::optional<Member> Roster::find(const NodeId& id) const {
  const auto found = std::ranges::lower_bound(members, id, {}, &RosterMember::id);
  if (found == members.end() || found->id != id) return std::nullopt;
  return static_cast<Member>(found - members.begin());
}

Roster roster_of(const std::map<NodeId, MergeCommitment>& commitments, std::uint32_t nodes_seen) {
  Roster roster{.nodes_seen = nodes_seen, .members = {}};
  for (const auto& [id, commitment] : commitments) {
    if (roster.members.size() == limits::merge_members_max) break;
    roster.nodes_seen = std::max(roster.nodes_seen, commitment.nodes_seen);
    roster.members.push_back({.id = id,
                              .contribution = name_of_contribution(commitment.digest),
                              .weight = std::min(commitment.weight, limits::merge_weight_max),
                              .step = commitment.step});
  }
  std::set<std::pair<Member, Member>> edges;
  for (Member place = 0; place < roster.members.size(); ++place) {
    for (const NodeId& neighbour : commitments.at(roster.members[place].id).neighbours) {
      const auto other = roster.find(neighbour);
      if (other && *other != place) edges.insert(std::minmax(place, *other));
    }
  }
  for (const auto& [earlier, later] : edges) roster.members[earlier].edges.push_back(later);
  return roster;
}

Bytes encode_roster(const Roster& roster) {
  Bytes out;
  out.reserve(6 + roster.members.size() * (member_bytes_min + 16));
  put_number(roster.members.size(), 2, out);
  put_number(roster.nodes_seen, 4, out);
  for (const RosterMember& member : roster.members) {
    out.insert(out.end(), member.id.bytes.begin(), member.id.bytes.end());
    out.insert(out.end(), member.contribution.begin(), member.contribution.end());
    put_varint(member.weight, out);
    put_varint(member.step, out);
    put_varint(member.edges.size(), out);
    for (const Member edge : member.edges) put_number(edge, 2, out);
  }
  return out;
}

std::optional<Roster> decode_roster(ByteSpan bytes) {
  if (bytes.size() > limits::merge_roster_bytes_max) return std::nullopt;
  Reader reader{bytes};
  const std::size_t count = reader.number(2);
  Roster roster{.nodes_seen = static_cast<std::uint32_t>(reader.number(4)), .members = {}};
  const bool can_be = reader.is_good && count >= 1 && count <= limits::merge_members_max &&
                      count * member_bytes_min <= reader.left.size();
  if (!can_be) return std::nullopt;
  roster.members.reserve(count);
  for (std::size_t place = 0; place < count; ++place) {
    RosterMember member = read_member(reader, place, count);
    const bool in_order = roster.members.empty() || roster.members.back().id < member.id;
    if (!reader.is_good || !in_order) return std::nullopt;
    roster.members.push_back(std::move(member));
  }
  if (!reader.left.empty()) return std::nullopt;
  return roster;
}

}  // namespace starling::protocol
