#include "node/runtime/disk_troubles.h"

namespace starling::runtime {

std::optional<Warned> DiskTroubles::note(const std::string& what, const Result<void>& written) {
  if (written) {
    if (refused_.erase(what) == 0) return std::nullopt;
    return Warned{what + " can be written again"};
  }
  if (!refused_.insert(what).second) return std::nullopt;
  return Warned{written.error().message + "; the node goes on without " + what +
                " and tries again"};
}

}  // namespace starling::runtime
