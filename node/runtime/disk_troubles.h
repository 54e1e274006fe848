#pragma once
// Which of a node's writes the disk refuses at present: told once when it begins and once when it
// is over, however often the node tries.

#include <optional>
#include <set>
#include <string>

#include "starling/event.h"
#include "starling/result.h"

namespace starling::runtime {

class DiskTroubles {
 public:
  /// what: names what is written, "the checkpoint". Nothing if the owner knows already.
  [[nodiscard]] std::optional<Warned> note(const std::string& what, const Result<void>& written);

 private:
  std::set<std::string> refused_;
};

}  // namespace starling::runtime
