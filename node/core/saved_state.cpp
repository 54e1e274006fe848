#include "node/core/saved_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "protocol/limits.h"

namespace starling::node {

namespace {

static_assert(std::endian::native == std::endian::little, "saved states are little endian");

constexpr std::array<std::uint8_t, 4> magic = {'S', 'L', 'S', '2'};
constexpr std::uint64_t kind_ledger = 1;  // 0: parameters

void put_number(std::uint64_t value, unsigned bytes, Bytes& out) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <class Value>
void put_values(const std::vector<Value>& values, Bytes& out) {
  put_number(values.size(), 4, out);
  const std::size_t begin = out.size();
  out.resize(begin + 4 * values.size());
  std::memcpy(out.data() + begin, values.data(), 4 * values.size());
}

void put(const std::vector<float>& parameters, Bytes& out) {
  put_values(parameters, out);
}

void put(const LedgerState& ledger, Bytes& out) {
  put_number(ledger.votes, 8, out);
  put_number(ledger.packets.size(), 4, out);
  for (const protocol::VoteCount& count : ledger.packets) {
    out.insert(out.end(), count.author.bytes.begin(), count.author.bytes.end());
    put_number(count.packets, 8, out);
  }
  put_values(ledger.grid, out);
}

/// Reads from the front of `left`; after a failure every further read fails too.
struct Reader {
  ByteSpan left;
  bool is_good = true;

  ByteSpan bytes(std::uint64_t size) {
    is_good = is_good && left.size() >= size;
    if (!is_good) return {};
    const ByteSpan front = left.first(size);
    left = left.subspan(size);
    return front;
  }

  std::uint64_t number(unsigned size) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; const std::uint8_t byte : bytes(size)) {
      value |= std::uint64_t{byte} << shift;
      shift += 8;
    }
    return value;
  }

  /// The rest of the bytes, as values of four bytes each.
  template <class Value>
  std::vector<Value> values() {
    const std::uint64_t count = number(4);
    is_good = is_good && left.size() == 4 * count;
    if (!is_good) return {};
    std::vector<Value> read(count);
    std::memcpy(read.data(), left.data(), left.size());
    return read;
  }
};

LedgerState read_ledger(Reader& reader) {
  LedgerState ledger;
  ledger.votes = reader.number(8);
  const std::uint64_t authors = reader.number(4);
  reader.is_good = reader.is_good && authors <= protocol::limits::vote_authors_max;
  for (std::uint64_t i = 0; reader.is_good && i < authors; ++i) {
    protocol::VoteCount count;
    std::ranges::copy(reader.bytes(NodeId::size), count.author.bytes.begin());
    count.packets = reader.number(8);
    const bool in_order = ledger.packets.empty() || ledger.packets.back().author < count.author;
    reader.is_good = reader.is_good && in_order && count.packets > 0;
    ledger.packets.push_back(count);
  }
  ledger.grid = reader.values<std::int32_t>();
  return ledger;
}

}  // namespace

Bytes encode_saved_state(const SavedState& state) {
  Bytes out(magic.begin(), magic.end());
  put_number(state.values.index(), 1, out);
  put_number(state.step, 8, out);
  put_number(state.recipe.size(), 4, out);
  out.insert(out.end(), state.recipe.begin(), state.recipe.end());
  std::visit([&](const auto& values) { put(values, out); }, state.values);
  return out;
}

Result<SavedState> decode_saved_state(ByteSpan bytes) {
  if (bytes.size() < magic.size() || !std::ranges::equal(magic, bytes.first(magic.size()))) {
    return failure("not a saved state: it does not begin with 'SLS2'");
  }
  Reader reader{bytes.subspan(magic.size())};
  SavedState state;
  const std::uint64_t kind = reader.number(1);
  state.step = reader.number(8);
  const ByteSpan recipe = reader.bytes(reader.number(4));
  state.recipe.assign(recipe.begin(), recipe.end());
  if (kind == kind_ledger) {
    state.values = read_ledger(reader);
  } else {
    state.values = reader.values<float>();
  }
  if (!reader.is_good || kind > kind_ledger) {
    return failure("a saved state of " + std::to_string(bytes.size()) +
                   " bytes is damaged or does not have the length that its fields say");
  }
  if (const auto* parameters = std::get_if<std::vector<float>>(&state.values)) {
    const auto bad =
        std::ranges::find_if_not(*parameters, [](float x) { return std::isfinite(x); });
    if (bad != parameters->end()) {
      return failure("parameter " + std::to_string(bad - parameters->begin()) +
                     " of a saved state is not finite");
    }
  }
  return state;
}

}  // namespace starling::node
