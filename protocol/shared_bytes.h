#pragma once
// Bytes that several owners read and nobody changes: what is sent to n neighbours and kept until
// they confirm is in memory once (docs/adr/0027).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <utility>

#include "starling/check.h"
#include "starling/ids.h"

namespace starling::protocol {

/// A value: copies are cheap and hold the same bytes, which live as long as the last of them.
/// Converts to ByteSpan. Thread: copies of one value may be used and destroyed on several threads.
class SharedBytes {
 public:
  SharedBytes() = default;
  /// Takes the bytes over. Implicit: whoever has made a payload hands it on as it is.
  SharedBytes(Bytes bytes)
      : owner_(std::make_shared<const Bytes>(std::move(bytes))), view_(*owner_) {}
  SharedBytes(std::initializer_list<std::uint8_t> bytes) : SharedBytes(Bytes(bytes)) {}

  [[nodiscard]] std::size_t size() const { return view_.size(); }
  [[nodiscard]] bool empty() const { return view_.empty(); }
  [[nodiscard]] const std::uint8_t* data() const { return view_.data(); }
  [[nodiscard]] const std::uint8_t* begin() const { return view_.data(); }
  [[nodiscard]] const std::uint8_t* end() const { return view_.data() + view_.size(); }
  /// at: below size().
  [[nodiscard]] std::uint8_t operator[](std::size_t at) const {
    STARLING_CHECK(at < view_.size());
    return view_[at];
  }

  /// The bytes from `offset` on, which is at most size(); they hold on to all the others.
  [[nodiscard]] SharedBytes from(std::size_t offset) const {
    STARLING_CHECK(offset <= view_.size());
    SharedBytes part = *this;
    part.view_ = view_.subspan(offset);
    return part;
  }

  /// For whoever changes them.
  [[nodiscard]] Bytes copy() const { return {view_.begin(), view_.end()}; }

  /// By content.
  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
  }

 private:
  std::shared_ptr<const Bytes> owner_;
  ByteSpan view_;
};

}  // namespace starling::protocol
