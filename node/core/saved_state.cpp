#include "node/core/saved_state.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "protocol/limits.h"

namespace starling::node {

namespace {

static_assert(std::endian::native == std::endian::little, "saved states are little endian");

constexpr std::array<std::uint8_t, 4> magic = {'S', 'L', 'S', '3'};
constexpr std::uint64_t kind_ledger = 1;  // 0: parameters
constexpr unsigned zero_bytes = 3;        // after the kind
constexpr std::size_t fixed_bytes = 40;   // up to the recipe's text
constexpr std::size_t author_bytes = NodeId::size + 8;
constexpr std::size_t value_bytes = 4;
constexpr std::size_t alignment = 8;

void put_number(std::uint64_t value, unsigned bytes, Bytes& out) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

template <class Value>
void put_values(std::span<const Value> values, Bytes& out) {
  static_assert(sizeof(Value) == value_bytes);
  const std::size_t begin = out.size();
  out.resize(begin + values.size_bytes());
  if (!values.empty()) std::memcpy(out.data() + begin, values.data(), values.size_bytes());
}

constexpr std::size_t padding_after(std::size_t bytes) {
  return (alignment - bytes % alignment) % alignment;
}

/// Reads from the front of `left`; after a failure every further read fails too.
struct Reader {
  ByteSpan left;
  bool is_good = true;

  ByteSpan bytes(std::uint64_t count) {
    is_good = is_good && count <= left.size();
    if (!is_good) return {};
    const ByteSpan read = left.first(static_cast<std::size_t>(count));
    left = left.subspan(read.size());
    return read;
  }
  std::uint64_t number(unsigned size) {
    std::uint64_t value = 0;
    const ByteSpan read = bytes(size);
    for (std::size_t i = 0; i < read.size(); ++i) {
      value |= static_cast<std::uint64_t>(read[i]) << (8 * i);
    }
    return value;
  }
  /// One form for each state: what is not used is zero.
  void zeros(std::size_t count) {
    const ByteSpan read = bytes(count);
    is_good = is_good && std::ranges::all_of(read, [](std::uint8_t byte) { return byte == 0; });
  }
};

std::vector<protocol::VoteCount> read_authors(Reader& reader, std::uint64_t authors) {
  std::vector<protocol::VoteCount> packets;
  reader.is_good = reader.is_good && authors <= protocol::limits::vote_authors_max;
  for (std::uint64_t i = 0; reader.is_good && i < authors; ++i) {
    protocol::VoteCount count;
    const ByteSpan id = reader.bytes(NodeId::size);
    std::ranges::copy(id, count.author.bytes.begin());
    count.packets = reader.number(8);
    const bool in_order = packets.empty() || packets.back().author < count.author;
    reader.is_good = reader.is_good && in_order && count.packets > 0;
    packets.push_back(count);
  }
  return packets;
}

/// The first that is not finite; the number of values if all are.
std::size_t first_not_finite(ByteSpan values) {
  std::size_t at = 0;
  for (; at < values.size() / value_bytes; ++at) {
    float value = 0;
    std::memcpy(&value, values.data() + at * value_bytes, value_bytes);
    if (!std::isfinite(value)) break;
  }
  return at;
}

template <class Value>
std::vector<Value> copied(ByteSpan values) {
  std::vector<Value> copy(values.size() / value_bytes);
  if (!values.empty()) std::memcpy(copy.data(), values.data(), values.size());
  return copy;
}

}  // namespace

Bytes encode_state_head(const StateHead& head) {
  Bytes out(magic.begin(), magic.end());
  put_number(head.is_ledger ? kind_ledger : 0, 1 + zero_bytes, out);
  put_number(head.step, 8, out);
  put_number(head.values, 8, out);
  put_number(head.recipe.size(), 4, out);
  put_number(head.packets.size(), 4, out);
  put_number(head.votes, 8, out);
  out.insert(out.end(), head.recipe.begin(), head.recipe.end());
  for (const protocol::VoteCount& count : head.packets) {
    out.insert(out.end(), count.author.bytes.begin(), count.author.bytes.end());
    put_number(count.packets, 8, out);
  }
  out.resize(out.size() + padding_after(out.size()));
  return out;
}

std::uint64_t saved_state_bytes_max(std::uint64_t values, std::size_t recipe_bytes) {
  return fixed_bytes + recipe_bytes + protocol::limits::vote_authors_max * author_bytes +
         alignment + values * value_bytes;
}

Result<SavedStateView> view_saved_state(ByteSpan bytes) {
  if (bytes.size() < magic.size() || !std::ranges::equal(magic, bytes.first(magic.size()))) {
    return failure("not a saved state: it does not begin with 'SLS3'");
  }
  Reader reader{bytes.subspan(magic.size())};
  SavedStateView state;
  const std::uint64_t kind = reader.number(1);
  reader.zeros(zero_bytes);
  state.step = reader.number(8);
  const std::uint64_t values = reader.number(8);
  const std::uint64_t recipe_bytes = reader.number(4);
  const std::uint64_t authors = reader.number(4);
  state.votes = reader.number(8);
  const ByteSpan recipe = reader.bytes(recipe_bytes);
  state.recipe = {reinterpret_cast<const char*>(recipe.data()), recipe.size()};
  state.packets = read_authors(reader, authors);
  reader.zeros(padding_after(bytes.size() - reader.left.size()));
  state.is_ledger = kind == kind_ledger;
  const bool has_ledger = authors > 0 || state.votes > 0;
  const bool has_length =
      reader.left.size() % value_bytes == 0 && values == reader.left.size() / value_bytes;
  if (!reader.is_good || kind > kind_ledger || (has_ledger && !state.is_ledger) || !has_length) {
    return failure("a saved state of " + std::to_string(bytes.size()) +
                   " bytes is damaged or does not have the length that its fields say");
  }
  state.values = reader.left;
  if (!state.is_ledger) {
    const std::size_t bad = first_not_finite(state.values);
    if (bad < values) {
      return failure("parameter " + std::to_string(bad) + " of a saved state is not finite");
    }
  }
  return state;
}

Bytes encode_saved_state(const SavedState& state) {
  StateHead head{.recipe = state.recipe, .step = state.step};
  if (const auto* parameters = std::get_if<std::vector<float>>(&state.values)) {
    head.values = parameters->size();
    Bytes out = encode_state_head(head);
    put_values(std::span(*parameters), out);
    return out;
  }
  const auto& ledger = std::get<LedgerState>(state.values);
  head.values = ledger.grid.size();
  head.is_ledger = true;
  head.packets = ledger.packets;
  head.votes = ledger.votes;
  Bytes out = encode_state_head(head);
  put_values(std::span(ledger.grid), out);
  return out;
}

Result<SavedState> decode_saved_state(ByteSpan bytes) {
  auto view = view_saved_state(bytes);
  if (!view) return std::unexpected(view.error());
  SavedState state{.recipe = std::string(view->recipe), .step = view->step, .values = {}};
  if (view->is_ledger) {
    state.values = LedgerState{.packets = std::move(view->packets),
                               .votes = view->votes,
                               .grid = copied<std::int32_t>(view->values)};
  } else {
    state.values = copied<float>(view->values);
  }
  return state;
}

}  // namespace starling::node
