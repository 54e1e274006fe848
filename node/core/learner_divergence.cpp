// The learner's part in finding and healing replicas that differ (docs/LEDGER.md, Divergence).

#include <algorithm>
#include <bit>

#include "crypto/digest.h"
#include "node/core/cut_parts.h"
#include "node/core/learner.h"
#include "protocol/ledger/ledger_sync.h"
#include "protocol/wire/announcement.h"

namespace starling::node {

namespace {

static_assert(std::endian::native == std::endian::little, "digests are over little-endian values");

/// Our guess: more ranges than these tell nobody more.
constexpr std::size_t changed_ranges_max = 32;

/// Votes decoded from packets, and the announcements that own their codes.
struct DecodedVotes {
  std::vector<protocol::SignedAnnouncement> packets;
  std::vector<optim::VoteSpan> spans;
};

/// Signatures were verified when the packets came in.
DecodedVotes decode(const std::vector<Bytes>& packets, Step window) {
  DecodedVotes votes;
  votes.packets.reserve(packets.size());
  for (const Bytes& bytes : packets) {
    auto announcement = protocol::reopen_announcement(bytes);
    if (!announcement) continue;
    const auto* packet = std::get_if<protocol::VotePacket>(&announcement->content);
    if (packet == nullptr || protocol::is_void(*packet, window)) continue;
    const optim::VoteSpan span{announcement->author, packet->step, packet->first_probe,
                               packet->codes};
    votes.packets.push_back(std::move(*announcement));  // the codes stay where they are
    votes.spans.push_back(span);
  }
  return votes;
}

std::vector<IndexRange> differences(std::span<const std::int32_t> a,
                                    std::span<const std::int32_t> b) {
  std::vector<IndexRange> ranges;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    const bool is_next = !ranges.empty() && ranges.back().end == i;
    if (is_next || ranges.size() == changed_ranges_max) {
      ranges.back().end = i + 1;
    } else {
      ranges.push_back({i, i + 1});
    }
  }
  return ranges;
}

}  // namespace

LearnerResult Learner::perform(const CutDigestJob& job) {
  CutDigestDone done{.step = job.step, .model = {}, .parts = {}};
  crypto::Hasher whole("ledger cut");
  const std::size_t part_size = cut_part_size(task_->parameter_count());
  look_without(job.newer, [&](std::span<const std::int32_t> grid) {
    for (std::size_t start = 0; start < grid.size(); start += part_size) {
      const auto part = grid.subspan(start, std::min(part_size, grid.size() - start));
      const Digest digest = crypto::digest_of(
          {reinterpret_cast<const std::uint8_t*>(part.data()), part.size_bytes()});
      whole.update(digest.bytes);
      done.parts.push_back(digest.word(0));
    }
  });
  done.model = whole.finish();
  return done;
}

LearnerResult Learner::perform(const RebuildJob& job) {
  auto rebuilt = *starting_replica(options_, *task_);  // as create() did, without error
  rebuilt.apply(decode(job.packets, options_.recipe.ledger().window_steps).spans);
  RebuildDone done{.changed = {}, .is_anew = job.is_anew};
  if (!job.is_anew) done.changed = differences(votes().grid(), rebuilt.grid());
  votes().set_grid(rebuilt.grid());
  return done;
}

}  // namespace starling::node
