#pragma once
// How wire_*.cpp use Cap'n Proto: bounded reading, one-segment writing. Internal to the wire: only
// those files include it, so that capnp and kj stay out of everything else.

#include "protocol/wire/kj_operators.h"  // before the headers that need it

#include <capnp/message.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "protocol/limits.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/schema.capnp.h"
#include "starling/check.h"
#include "starling/ids.h"

namespace starling::protocol::wire_detail {

/// Thrown by the readers below and caught in `read_root`, beside Cap'n Proto's own exceptions.
struct Rejected {
  RejectReason reason;
};

// --- Writing ---

[[nodiscard]] inline capnp::Data::Reader data_of(ByteSpan bytes) {
  return {bytes.data(), bytes.size()};
}

[[nodiscard]] inline Bytes bytes_of(kj::ArrayPtr<const capnp::word> segment) {
  const auto bytes = segment.asBytes();
  return {bytes.begin(), bytes.end()};
}

/// The message that `fill` writes, in one segment.
template <class Root, class Fill>
[[nodiscard]] Bytes write_root(const Fill& fill) {
  // 1 KiB holds all but the longest lists and payloads; those are copied once into a segment that
  // fits exactly.
  std::array<std::uint64_t, 128> scratch{};
  capnp::MallocMessageBuilder message(
      kj::arrayPtr(reinterpret_cast<capnp::word*>(scratch.data()), scratch.size()));
  fill(message.initRoot<Root>());
  const auto segments = message.getSegmentsForOutput();
  if (segments.size() == 1) return bytes_of(segments[0]);

  const auto root = message.getRoot<Root>().asReader();
  const auto words = static_cast<kj::uint>(root.totalSize().wordCount + 1);  // 1: the root pointer
  capnp::MallocMessageBuilder copy(words, capnp::AllocationStrategy::FIXED_SIZE);
  copy.setRoot(root);
  STARLING_CHECK(copy.getSegmentsForOutput().size() == 1);
  return bytes_of(copy.getSegmentsForOutput()[0]);
}

// --- Reading ---

[[nodiscard]] inline Bytes read_bytes(capnp::Data::Reader data, std::size_t bytes_max) {
  if (data.size() > bytes_max) throw Rejected{RejectReason::too_large};
  return {data.begin(), data.end()};
}

[[nodiscard]] inline std::string read_text(capnp::Text::Reader text, std::size_t characters_max) {
  if (text.size() > characters_max) throw Rejected{RejectReason::too_large};
  std::string copy(text.begin(), text.end());
  // A zero inside would end the text for whoever writes it out again.
  if (copy.find('\0') != std::string::npos) throw Rejected{RejectReason::bad_encoding};
  return copy;
}

template <std::size_t N>
void read_exactly(capnp::Data::Reader data, std::array<std::uint8_t, N>& out) {
  if (data.size() != N) throw Rejected{RejectReason::bad_encoding};
  std::copy(data.begin(), data.end(), out.begin());
}

/// Id: NodeId or Digest.
template <class Id>
[[nodiscard]] Id read_id(capnp::Data::Reader data) {
  Id id;
  read_exactly(data, id.bytes);
  return id;
}

template <class List, class ReadItem>
[[nodiscard]] auto read_list(List list, std::size_t items_max, const ReadItem& read_item) {
  if (list.size() > items_max) throw Rejected{RejectReason::too_large};
  std::vector<decltype(read_item(list[0]))> items;
  items.reserve(list.size());
  for (auto item : list) items.push_back(read_item(item));
  return items;
}

/// Runs `read` on the root of foreign bytes, within limits.
template <class Root, class Read>
[[nodiscard]] auto read_root(ByteSpan bytes, const Read& read)
    -> std::expected<decltype(read(std::declval<typename Root::Reader>())), RejectReason> {
  if (bytes.size() > limits::control_bytes_max) return std::unexpected(RejectReason::too_large);
  if (bytes.empty() || bytes.size() % sizeof(capnp::word) != 0) {
    return std::unexpected(RejectReason::bad_encoding);
  }
  // A copy, because Cap'n Proto needs words aligned to 8 bytes.
  std::vector<std::uint64_t> words(bytes.size() / sizeof(capnp::word));
  std::memcpy(words.data(), bytes.data(), bytes.size());
  const kj::ArrayPtr<const capnp::word> segment(reinterpret_cast<const capnp::word*>(words.data()),
                                                words.size());
  // PROTOCOL.md section 2. The traversal limit bounds what pointers to the same bytes can cost.
  const capnp::ReaderOptions options{.traversalLimitInWords = 4 * words.size(), .nestingLimit = 8};
  try {
    capnp::SegmentArrayMessageReader reader(kj::arrayPtr(&segment, 1), options);
    return read(reader.getRoot<Root>());
  } catch (const Rejected& rejected) {
    return std::unexpected(rejected.reason);
  } catch (const kj::Exception&) {
    return std::unexpected(RejectReason::bad_encoding);
  }
}

}  // namespace starling::protocol::wire_detail
