#include "protocol/merge/merge_output.h"

#include <utility>

namespace starling::protocol {

void MergeOutput::announce(Announcement content) {
  requests.emplace_back(AnnounceMerge{std::move(content)});
}

}  // namespace starling::protocol
