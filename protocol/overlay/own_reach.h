#pragma once
// Whether others can dial this node, and where.

#include <set>
#include <string>

#include "protocol/overlay/path_kind.h"

namespace starling::protocol {

class OwnReach {
 public:
  /// The router has opened a port for us, or withdrawn it: a candidate that a peer has to prove.
  void mapped(const std::string& address, bool is_up);

  [[nodiscard]] Reach reach() const { return reach_; }

 private:
  Reach reach_ = Reach::unknown;
  std::set<std::string> mapped_;
};

}  // namespace starling::protocol
