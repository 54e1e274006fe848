#pragma once
// All simulated nodes open the same signed bytes: the answer is worked out once. Opening depends on
// nothing but the bytes and the run, so who remembers gives the same answers as who does not.

#include <deque>
#include <expected>
#include <map>

#include "protocol/wire/announcement.h"

namespace starling::sim {

class AnnouncementMemo {
 public:
  explicit AnnouncementMemo(const RunId& run) : run_(run) {}

  /// As protocol::open_announcement of the memo's run.
  [[nodiscard]] std::expected<protocol::SignedAnnouncement, protocol::RejectReason> open(
      ByteSpan bytes);

 private:
  RunId run_;
  std::map<Digest, std::expected<protocol::SignedAnnouncement, protocol::RejectReason>> known_;
  std::deque<Digest> order_;  ///< The oldest is forgotten first.
};

}  // namespace starling::sim
