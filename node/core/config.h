#pragma once
// What a NodeCore is told once. Every field is a contract.

#include <cstdint>
#include <functional>
#include <vector>

#include "crypto/signature.h"
#include "node/core/catch_up_plan.h"
#include "optim/recipe.h"
#include "protocol/limits.h"
#include "protocol/pace.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"
#include "starling/instant.h"
#include "starling/task.h"

namespace starling::node {

using protocol::scaled;

struct Config {
  RunId run;
  Bytes description = {};     ///< Whose digest is `run`: newcomers ask for it.
  crypto::SigningKey key;     ///< Signs announcements.
  protocol::PeerRecord self;  ///< Our id and the address that others can dial.
  std::vector<protocol::PeerRecord>
      bootstrap;  ///< Ticket addresses (zero ids) and the address book.
  /// If not empty, exactly these are the neighbours (fixed topologies of experiments).
  std::vector<protocol::PeerRecord> pinned_neighbours;
  optim::Recipe recipe;
  std::size_t parameter_count = 0;     ///< Bounds states and slices.
  std::size_t payload_bytes_max = 0;   ///< Of what the learner encodes for its neighbours.
  std::vector<Segment> segments = {};  ///< The model's layout, and its parts' names in reports.
  DataForm data_form = {};             ///< Compared with every peer's, as are the two above.
  std::uint64_t sample_count = 1;      ///< Weight in a merge by samples.
  double sampling_rate = 1;            ///< Of private votes: that a sample is in a batch.
  Step steps_total = 0;
  /// Training starts when this many nodes are there, or start_wait is over (times interval_scale,
  /// where that is above 1).
  std::uint32_t nodes_expected = 1;
  Duration start_wait = std::chrono::seconds(20);
  std::uint64_t incarnation = 0;  ///< Fresh entropy of this process; never 0.
  std::uint64_t seed = 0;         ///< For every random choice of the core.
  double interval_scale = 1.0;    ///< Scales all protocol intervals: below 1 on a LAN or testnet.
  Step evaluate_every = 0;        ///< 0: only at the end.
  Step checkpoint_every = 0;      ///< 0: only when leaving.
  bool merge_when_finished = true;
  /// A merge is final only with more than this share of all nodes ever seen in the run; in [0, 1).
  double quorum = 0.5;
  bool accepts_partial = false;         ///< This node proposes a merge without a quorum, too.
  std::vector<NodeId> nodes_seen = {};  ///< In the run, by earlier processes of this node.
  /// Decodes and verifies an announcement. Another one must answer as open_announcement does; who
  /// runs many nodes in one process may remember what the same bytes gave before.
  std::function<decltype(protocol::open_announcement)> open_announcement =
      protocol::open_announcement;
  CatchUpMode catch_up = CatchUpMode::automatic;
  /// Bytes of vote packets kept in memory for neighbours to fetch; the oldest are let go.
  std::size_t vote_store_bytes_max = protocol::limits::vote_store_bytes_max;
};

}  // namespace starling::node
