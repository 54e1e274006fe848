#pragma once
// Strong identifiers: fixed-size byte strings that cannot be mixed up, and their text form.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace starling {

/// Bytes that go to, or come from, a peer or a disk.
using Bytes = std::vector<std::uint8_t>;
using ByteSpan = std::span<const std::uint8_t>;

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] inline std::string to_hex(ByteSpan bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4U];
    text += digits[byte & 15U];
  }
  return text;
}

/// The inverse of to_hex; nothing if the length is odd or a character is not a hexadecimal digit.
[[nodiscard]] inline std::optional<Bytes> from_hex(std::string_view text) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]);
    const int low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return bytes;
}

template <class Tag>
struct ByteId {
  static constexpr std::size_t size = 32;
  std::array<std::uint8_t, size> bytes{};

  friend auto operator<=>(const ByteId&, const ByteId&) = default;

  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  /// Eight digits, enough to tell nodes apart on a screen; never used as a key.
  [[nodiscard]] std::string short_text() const { return hex().substr(0, 8); }

  /// Eight of the bytes as a number, the least significant first, whatever the machine's order.
  /// index: 0 to 3.
  [[nodiscard]] constexpr std::uint64_t word(std::size_t index) const {
    std::uint64_t value = 0;
    for (std::size_t i = 8; i-- > 0;) value = value << 8U | bytes[index * 8 + i];
    return value;
  }

  /// Nothing unless `from` holds exactly 32 bytes.
  [[nodiscard]] static std::optional<ByteId> from_bytes(ByteSpan from) {
    if (from.size() != size) return std::nullopt;
    ByteId id;
    for (std::size_t i = 0; i < size; ++i) id.bytes[i] = from[i];
    return id;
  }
};

/// A node's Ed25519 public key.
using NodeId = ByteId<struct NodeIdTag>;
/// The digest of a run's description; part of every handshake, so runs cannot mix.
using RunId = ByteId<struct RunIdTag>;
/// BLAKE2b-256 of some bytes.
using Digest = ByteId<struct DigestTag>;

/// Counts a node's local steps; a run ends at a number of them.
using Step = std::uint64_t;

}  // namespace starling
