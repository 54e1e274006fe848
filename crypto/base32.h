#pragma once
// Base32 (RFC 4648, section 6) in lower case without padding: survives being read aloud, selected
// with a double click, and stored in a QR code's compact alphanumeric mode (as upper case).

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "starling/ids.h"

namespace starling::crypto {

[[nodiscard]] std::string encode_base32(ByteSpan bytes);

/// Either case. Error: the position of the first character that cannot be there; text.size() if
/// it ends in the middle of a byte or with bits that are not zero.
[[nodiscard]] std::expected<Bytes, std::size_t> decode_base32(std::string_view text);

}  // namespace starling::crypto
