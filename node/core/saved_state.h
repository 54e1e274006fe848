#pragma once
// The form in which a replica goes to disk and to a joiner. One form for all recipes: parameters
// under first-order ones, the ledger's integers and the packets that they contain under votes.
// Layout, little endian; sizes in bits:
//
//   state = "SLS2", kind (8: 0 parameters, 1 ledger), step (64),
//           length (32) and bytes of the recipe's canonical text, [ledger], count (32), value (32)*
//   ledger = votes (64), authors (32), (node id (32 bytes), packets (64))*     kind 1 only
//
// Nodes that hold the same votes before a step save the same bytes, so a joiner can ask several
// whether they know a state's digest.
//
// Momentum, corrections and copies of neighbours are left out on purpose: a process that begins
// anew is a new end of every edge, and its neighbours take what came over the old one out
// (edge_book.h).

#include <cstdint>
#include <string>
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

[[nodiscard]] Bytes encode_saved_state(const SavedState& state);

/// Error: not such a state, cut short, authors not in order, or a value that is not finite.
[[nodiscard]] Result<SavedState> decode_saved_state(ByteSpan bytes);

}  // namespace starling::node
