#pragma once
// The form in which a replica goes to disk and to a joiner. One form for all recipes: parameters
// under first-order ones, the ledger's integers and the packets that they contain under votes.
// Layout, little endian; sizes in bits:
//
//   state = "SLS3", kind (8: 0 parameters, 1 ledger), zeros (24), step (64), values (64),
//           length of the recipe (32), authors (32), votes (64),
//           the recipe's canonical text, (node id (32 bytes), packets (64))* by author,
//           zeros up to a multiple of 8 bytes, value (32)*
//
// Parameters have no authors and no votes. The values lie aligned, so that whoever has the bytes of
// a state reads them where they are.
//
// Nodes that hold the same votes before a step save the same bytes, so a joiner can ask several
// whether they know a state's digest.
//
// Momentum, corrections and copies of neighbours are left out on purpose: a process that begins
// anew is a new end of every edge, and its neighbours take what came over the old one out
// (edge_book.h).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/result.h"

namespace starling::node {

/// The sum of exactly these votes: of each author the packets below its count.
struct LedgerState {
  std::vector<protocol::VoteCount> packets;  ///< Ascending by author, none of count 0.
  std::uint64_t votes = 0;                   ///< In these packets, without void ones.
  std::vector<std::int32_t> grid;            ///< Units of 2^-24.
  friend bool operator==(const LedgerState&, const LedgerState&) = default;
};

struct SavedState {
  std::string recipe;  ///< A state is of use under its own recipe only.
  /// Local steps done; under votes all votes contained are of steps below it.
  Step step = 0;
  std::variant<std::vector<float>, LedgerState> values;
  friend bool operator==(const SavedState&, const SavedState&) = default;
};

/// What stands before the values.
struct StateHead {
  std::string_view recipe;
  Step step = 0;
  std::uint64_t values = 0;
  bool is_ledger = false;
  std::span<const protocol::VoteCount> packets = {};  ///< Of a ledger, as its votes.
  std::uint64_t votes = 0;
};
/// The bytes up to the first value.
[[nodiscard]] Bytes encode_state_head(const StateHead& head);

/// The most bytes of a state of so many values, whatever has been voted.
[[nodiscard]] std::uint64_t saved_state_bytes_max(std::uint64_t values, std::size_t recipe_bytes);

/// A state in its encoded form.
struct SavedStateView {
  std::string_view recipe;
  Step step = 0;
  bool is_ledger = false;
  std::vector<protocol::VoteCount> packets;
  std::uint64_t votes = 0;
  ByteSpan values;  ///< 4 bytes each; aligned if the state is.
};

/// The view refers to `bytes`. Error: not such a state, cut short, authors not in order, or a
/// parameter that is not finite.
[[nodiscard]] Result<SavedStateView> view_saved_state(ByteSpan bytes);

[[nodiscard]] Bytes encode_saved_state(const SavedState& state);

/// A copy. Error: as view_saved_state().
[[nodiscard]] Result<SavedState> decode_saved_state(ByteSpan bytes);

}  // namespace starling::node
