#include "node/core/saved_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace starling::node {

namespace {

constexpr std::array<std::uint8_t, 4> magic = {'S', 'L', 'S', '1'};

void put_number(std::uint64_t value, unsigned bytes, Bytes& out) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_field(ByteSpan field, Bytes& out) {
  put_number(field.size(), 4, out);
  out.insert(out.end(), field.begin(), field.end());
}

/// Reads from the front of `left`; after a failure every further read fails too.
struct Reader {
  ByteSpan left;
  bool is_good = true;

  std::uint64_t number(unsigned bytes) {
    is_good = is_good && left.size() >= bytes;
    if (!is_good) return 0;
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value |= std::uint64_t{left[i]} << (8 * i);
    left = left.subspan(bytes);
    return value;
  }

  Bytes field() {
    const std::uint64_t size = number(4);
    is_good = is_good && left.size() >= size;
    if (!is_good) return {};
    Bytes bytes(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(size));
    left = left.subspan(size);
    return bytes;
  }
};

}  // namespace

Bytes encode_saved_state(const SavedState& state) {
  Bytes out(magic.begin(), magic.end());
  put_number(state.step, 8, out);
  put_field(
      ByteSpan(reinterpret_cast<const std::uint8_t*>(state.recipe.data()), state.recipe.size()),
      out);
  put_number(state.parameters.size() * 4, 4, out);
  for (const float value : state.parameters)
    put_number(std::bit_cast<std::uint32_t>(value), 4, out);
  return out;
}

Result<SavedState> decode_saved_state(ByteSpan bytes) {
  if (bytes.size() < magic.size() || !std::ranges::equal(magic, bytes.first(magic.size()))) {
    return failure("not a saved state: it does not begin with 'SLS1'");
  }
  Reader reader{bytes.subspan(magic.size())};
  SavedState state;
  state.step = reader.number(8);
  const Bytes recipe = reader.field();
  state.recipe.assign(recipe.begin(), recipe.end());
  const std::uint64_t count = reader.number(4) / 4;
  if (!reader.is_good || reader.left.size() != count * 4) {
    return failure("a saved state of " + std::to_string(bytes.size()) +
                   " bytes does not have the length that its fields say");
  }
  state.parameters.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    state.parameters.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(reader.number(4))));
    if (!std::isfinite(state.parameters.back())) {
      return failure("parameter " + std::to_string(i) + " of a saved state is not finite");
    }
  }
  return state;
}

}  // namespace starling::node
