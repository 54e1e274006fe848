#pragma once
// Members of a merge by their place in its roster, and sets of them as bits.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "starling/ids.h"

namespace starling::protocol {

/// A place in the roster, whose members are in ascending order of NodeId.
using Member = std::uint16_t;
inline constexpr Member no_member = 0xFFFF;

/// A set of members of one roster. Two sets that meet in a call are of the same roster.
class MemberSet {
 public:
  MemberSet() = default;
  explicit MemberSet(std::size_t members) : members_(members), words_((members + 63) / 64) {}
  [[nodiscard]] static MemberSet all(std::size_t members) {
    MemberSet set(members);
    for (std::size_t i = 0; i < members; ++i) set.insert(static_cast<Member>(i));
    return set;
  }

  void insert(Member member) { words_[member / 64] |= std::uint64_t{1} << (member % 64); }
  [[nodiscard]] bool contains(Member member) const {
    return (words_[member / 64] >> (member % 64) & 1U) != 0;
  }
  [[nodiscard]] std::size_t count() const {
    std::size_t bits = 0;
    for (const std::uint64_t word : words_) bits += static_cast<std::size_t>(std::popcount(word));
    return bits;
  }
  [[nodiscard]] bool includes(const MemberSet& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((other.words_[i] & ~words_[i]) != 0) return false;
    }
    return true;
  }
  [[nodiscard]] bool meets(const MemberSet& other) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if ((other.words_[i] & words_[i]) != 0) return true;
    }
    return false;
  }
  void add(const MemberSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  void keep_common(const MemberSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (std::size_t i = 0; i < members_; ++i) {
      if (contains(static_cast<Member>(i))) visit(static_cast<Member>(i));
    }
  }

  /// One bit a member, the first in the lowest bit of the first byte.
  [[nodiscard]] Bytes to_bytes() const {
    Bytes bytes(bytes_of(members_));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<std::uint8_t>(words_[i / 8] >> (8 * (i % 8)));
    }
    return bytes;
  }
  /// Nothing if the bytes are not so many, or name members that do not exist.
  [[nodiscard]] static std::optional<MemberSet> from_bytes(ByteSpan bytes, std::size_t members) {
    if (bytes.size() != bytes_of(members)) return std::nullopt;
    if (members % 8 != 0 && (bytes.back() >> (members % 8)) != 0) return std::nullopt;
    MemberSet set(members);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      set.words_[i / 8] |= std::uint64_t{bytes[i]} << (8 * (i % 8));
    }
    return set;
  }
  [[nodiscard]] static constexpr std::size_t bytes_of(std::size_t members) {
    return (members + 7) / 8;
  }

  friend auto operator<=>(const MemberSet&, const MemberSet&) = default;

 private:
  std::size_t members_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace starling::protocol
