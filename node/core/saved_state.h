#pragma once
// The form in which a learner's state goes to disk and to a joiner. Layout, little endian: magic
// "SLS1", step (8), length (4) and bytes of the recipe's canonical text, length (4) and parameters
// (float32).
//
// Momentum, corrections and copies of neighbours are left out on purpose: a process that begins
// anew is a new end of every edge, and its neighbours take what came over the old one out
// (edge_book.h).

#include <string>
#include <vector>

#include "starling/ids.h"
#include "starling/result.h"

namespace starling::node {

struct SavedState {
  std::string recipe;  ///< A state is of use under its own recipe only.
  Step step = 0;
  std::vector<float> parameters;
};

[[nodiscard]] Bytes encode_saved_state(const SavedState& state);

/// Error: not such a state, cut short, or with a value that is not finite.
[[nodiscard]] Result<SavedState> decode_saved_state(ByteSpan bytes);

}  // namespace starling::node
