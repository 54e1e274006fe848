// Foreign bytes as a message and as an announcement. What decodes must encode, and decode to the
// same again; votes and proofs have one encoding only.

#include "protocol/wire/wire.h"

#include <algorithm>

#include "starling/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace starling::protocol;
  const starling::ByteSpan bytes(data, size);
  if (const auto message = decode(bytes); message && *message) {
    const auto again = decode(encode(**message));
    STARLING_CHECK(again && *again && **again == **message);
  }
  const auto announcement = decode_announcement(bytes);
  if (announcement && !std::holds_alternative<UnknownAnnouncement>(announcement->content)) {
    const starling::Bytes encoded = encode_announcement(*announcement);
    const auto again = decode_announcement(encoded);
    STARLING_CHECK(again && *again == *announcement);
    const bool has_one_encoding = std::holds_alternative<VotePacket>(announcement->content) ||
                                  std::holds_alternative<EquivocationProof>(announcement->content);
    STARLING_CHECK(!has_one_encoding || std::ranges::equal(encoded, bytes));
  }
  return 0;
}
