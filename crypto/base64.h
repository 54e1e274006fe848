#pragma once
// Base64 for URLs (RFC 4648, section 5) without padding: the shortest text that every chat program,
// shell and address bar leaves as it is.

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "starling/ids.h"

namespace starling::crypto {

[[nodiscard]] std::string encode_base64url(ByteSpan bytes);

/// Error: the position of the first character that cannot be there; text.size() if it ends in the
/// middle of a byte or with bits that are not zero.
[[nodiscard]] std::expected<Bytes, std::size_t> decode_base64url(std::string_view text);

}  // namespace starling::crypto
