#include "optim/ledger/stretch.h"

#include <algorithm>

namespace starling::optim {

std::vector<std::vector<Stretch>> cut(std::span<const Stretch> stretches, std::size_t piece_size) {
  std::vector<std::vector<Stretch>> pieces;
  for (Stretch rest : stretches) {
    while (rest.length > 0) {
      const std::size_t piece = rest.first / piece_size;
      if (piece == pieces.size()) pieces.emplace_back();
      Stretch head = rest;
      head.length = std::min(rest.length, (piece + 1) * piece_size - rest.first);
      pieces[piece].push_back(head);
      rest.first += head.length;
      rest.offset += head.length;
      rest.length -= head.length;
    }
  }
  return pieces;
}

}  // namespace starling::optim
