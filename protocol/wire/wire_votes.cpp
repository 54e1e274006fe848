#include "protocol/wire/wire_votes.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol::wire_detail {
namespace {

/// LEB128: seven bits a byte, low ones first, bit 7 set in all but the last byte.
void append_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) out.push_back(static_cast<std::uint8_t>(value | 0x80U));
  out.push_back(static_cast<std::uint8_t>(value));
}

/// Takes a body apart from the front; after a failure it hands out zeros.
class Reader {
 public:
  explicit Reader(ByteSpan rest) : rest_(rest) {}

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint64_t byte = next_byte();
      const std::uint64_t bits = byte & 0x7fU;
      // A longer form of a smaller number, or a number of more than 64 bits.
      if ((byte == 0 && shift > 0) || bits << shift >> shift != bits) failed_ = true;
      value |= bits << shift;
      if (byte == bits) return failed_ ? 0 : value;
    }
    failed_ = true;
    return 0;
  }

  NodeId node_id() {
    NodeId id;
    for (auto& byte : id.bytes) byte = next_byte();
    return id;
  }

  [[nodiscard]] ByteSpan rest() const { return rest_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::uint8_t next_byte() {
    if (rest_.empty()) {
      failed_ = true;
      return 0;
    }
    const std::uint8_t byte = rest_.front();
    rest_ = rest_.subspan(1);
    return byte;
  }

  ByteSpan rest_;
  bool failed_ = false;
};

}  // namespace

Bytes encode_votes(const NodeId& author, const VotePacket& packet) {
  Bytes body;
  body.push_back(vote_body_kind);
  std::ranges::copy(author.bytes, std::back_inserter(body));
  append_varint(body, packet.packet);
  append_varint(body, packet.step);
  append_varint(body, packet.step - packet.replica_step);  // small, and modulo 2^64 always defined
  append_varint(body, packet.first_probe);
  std::ranges::copy(packet.codes, std::back_inserter(body));
  return body;
}

std::expected<SignedAnnouncement, RejectReason> decode_votes(ByteSpan body) {
  Reader reader(body.subspan(1));
  SignedAnnouncement announcement;
  announcement.author = reader.node_id();
  VotePacket packet;
  packet.packet = reader.varint();
  packet.step = reader.varint();
  packet.replica_step = packet.step - reader.varint();
  const std::uint64_t first_probe = reader.varint();
  if (reader.failed() || first_probe > std::numeric_limits<std::uint32_t>::max()) {
    return std::unexpected(RejectReason::bad_encoding);
  }
  if (reader.rest().size() > limits::vote_probes_per_packet_max) {
    return std::unexpected(RejectReason::too_large);
  }
  packet.first_probe = static_cast<std::uint32_t>(first_probe);
  packet.codes.assign(reader.rest().begin(), reader.rest().end());
  announcement.content = std::move(packet);
  return announcement;
}

namespace {

constexpr std::size_t signature_bytes = std::tuple_size_v<crypto::Signature>;

/// A signed packet of votes without its signature; empty if it is none.
ByteSpan body_of_packet(ByteSpan packet) {
  const bool is_packet = packet.size() > signature_bytes && packet.front() == vote_body_kind;
  return is_packet ? packet.first(packet.size() - signature_bytes) : ByteSpan();
}

}  // namespace

Bytes encode_proof(ByteSpan first, ByteSpan second) {
  Bytes body;
  body.push_back(proof_body_kind);
  append_varint(body, first.size());
  std::ranges::copy(first, std::back_inserter(body));
  std::ranges::copy(second, std::back_inserter(body));
  return body;
}

std::expected<SignedAnnouncement, RejectReason> decode_proof(ByteSpan body) {
  Reader reader(body.subspan(1));
  const std::uint64_t first_bytes = reader.varint();
  if (reader.failed() || first_bytes > reader.rest().size()) {
    return std::unexpected(RejectReason::bad_encoding);
  }
  const ByteSpan first = reader.rest().first(first_bytes);
  const ByteSpan second = reader.rest().subspan(first_bytes);
  const ByteSpan first_body = body_of_packet(first);
  const ByteSpan second_body = body_of_packet(second);
  const bool differs = !std::ranges::equal(first_body, second_body);
  if (first_body.empty() || second_body.empty() || !differs ||
      !std::ranges::lexicographical_compare(first, second)) {
    return std::unexpected(RejectReason::bad_encoding);
  }
  const auto one = decode_votes(first_body);
  if (!one) return one;
  const auto other = decode_votes(second_body);
  if (!other) return other;
  const std::uint64_t packet = std::get<VotePacket>(one->content).packet;
  if (one->author != other->author || packet != std::get<VotePacket>(other->content).packet) {
    return std::unexpected(RejectReason::bad_encoding);
  }
  return SignedAnnouncement{one->author, 0,
                            EquivocationProof{.author = one->author,
                                              .packet = packet,
                                              .first = Bytes(first.begin(), first.end()),
                                              .second = Bytes(second.begin(), second.end())}};
}

}  // namespace starling::protocol::wire_detail
