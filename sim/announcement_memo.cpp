#include "sim/announcement_memo.h"

#include "crypto/digest.h"

namespace starling::sim {

namespace {

/// Far more than are under way at once; at 500 bytes each 32 MB.
constexpr std::size_t announcements_max = 65'536;

}  // namespace

std::expected<protocol::SignedAnnouncement, protocol::RejectReason> AnnouncementMemo::open(
    ByteSpan bytes) {
  const auto [at, is_new] = known_.try_emplace(crypto::digest_of(bytes));
  if (!is_new) return at->second;
  order_.push_back(at->first);
  at->second = protocol::open_announcement(bytes, run_);
  auto answer = at->second;
  if (order_.size() > announcements_max) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return answer;
}

}  // namespace starling::sim
