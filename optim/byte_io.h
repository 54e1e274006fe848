#pragma once
// Little-endian values in byte strings: payloads and saved state.

#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "starling/ids.h"

namespace starling::optim {

// Vectors are copied as they lie in memory; a big-endian port has to swap here.
static_assert(std::endian::native == std::endian::little);

/// Writes `value` at `out`, which must have room for it.
template <class T>
  requires std::is_trivially_copyable_v<T>
void store(std::uint8_t* out, const T& value) {
  std::memcpy(out, &value, sizeof(T));
}

/// Reads a T from `in`, which must hold it.
template <class T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] T fetch(const std::uint8_t* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

class ByteWriter {
 public:
  template <class T>
    requires std::is_trivially_copyable_v<T>
  void put(const T& value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store(bytes_.data() + bytes_.size() - sizeof(T), value);
  }
  /// The length, then the items.
  template <class T>
  void put_all(std::span<const T> items) {
    put(static_cast<std::uint64_t>(items.size()));
    const std::size_t offset = bytes_.size();
    bytes_.resize(offset + items.size_bytes());
    if (!items.empty()) std::memcpy(bytes_.data() + offset, items.data(), items.size_bytes());
  }
  /// One vector per neighbour.
  template <class T>
  void put_map(const std::map<NodeId, std::vector<T>>& vectors) {
    put(static_cast<std::uint64_t>(vectors.size()));
    for (const auto& [edge, vector] : vectors) {
      put(edge);
      put_all(std::span(vector));
    }
  }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

/// After the first read past the end every read fails and gives zero or nothing.
class ByteReader {
 public:
  explicit ByteReader(ByteSpan bytes) : rest_(bytes) {}

  template <class T>
    requires std::is_trivially_copyable_v<T>
  [[nodiscard]] T get() {
    if (!ok_ || rest_.size() < sizeof(T)) {
      ok_ = false;
      return T{};
    }
    const T value = fetch<T>(rest_.data());
    rest_ = rest_.subspan(sizeof(T));
    return value;
  }
  template <class T>
  [[nodiscard]] std::vector<T> get_all() {
    const auto count = get<std::uint64_t>();
    if (!ok_ || count > rest_.size() / sizeof(T)) {
      ok_ = false;
      return {};
    }
    std::vector<T> items(count);
    const std::size_t size = items.size() * sizeof(T);
    if (size > 0) std::memcpy(items.data(), rest_.data(), size);
    rest_ = rest_.subspan(size);
    return items;
  }
  /// What put_map() wrote; a vector of another length than `length` fails the reader.
  template <class T>
  [[nodiscard]] std::map<NodeId, std::vector<T>> get_map(std::size_t length) {
    std::map<NodeId, std::vector<T>> vectors;
    for (auto left = get<std::uint64_t>(); left > 0 && ok_; --left) {
      const auto edge = get<NodeId>();
      ok_ = vectors.insert_or_assign(edge, get_all<T>()).first->second.size() == length && ok_;
    }
    return vectors;
  }
  /// True if everything was read, and nothing beyond the end.
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  ByteSpan rest_;
  bool ok_ = true;
};

}  // namespace starling::optim
