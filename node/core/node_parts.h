#pragma once
// The parts of NodeCore and the routes between them. Each input goes to the parts that it concerns;
// what they ask for is collected in a Turn and becomes outputs.

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "node/core/catch_up.h"
#include "node/core/config.h"
#include "node/core/contact_report.h"
#include "node/core/io.h"
#include "node/core/merge_policy.h"
#include "node/core/peer_memory.h"
#include "node/core/phase.h"
#include "node/core/roll.h"
#include "node/core/trainer.h"
#include "node/core/turn.h"
#include "protocol/merge/merge.h"
#include "protocol/overlay/broadcast.h"
#include "protocol/overlay/failure_detector.h"
#include "protocol/overlay/identity_watch.h"
#include "protocol/overlay/membership.h"
#include "protocol/overlay/own_reach.h"
#include "protocol/overlay/path_book.h"
#include "protocol/overlay/peer_score.h"
#include "protocol/overlay/relay.h"
#include "starling/rng.h"

namespace starling::node {

class NodeParts {
 public:
  explicit NodeParts(Config config);

  std::vector<Output> start(Instant now, protocol::SharedBytes checkpoint,
                            const std::vector<Bytes>& votes);
  std::vector<Output> handle(Input input, Instant now);
  [[nodiscard]] NodeStatus status(Instant now) const;

 private:
  // node_inputs.cpp: one function per input
  void on(PeerConnected&& input, Turn& turn);
  void on(PeerDisconnected&& input, Turn& turn);
  void on(ConnectFailed&& input, Turn& turn);
  void on(MessageReceived&& input, Turn& turn);
  void on(BulkProgressed&& input, Turn& turn);
  void on(BulkRefused&& input, Turn& turn);
  void on(SecondProcess&& input, Turn& turn);
  void on(TimerFired&&, Turn& turn);
  void on(LearnerFinished&& input, Turn& turn);
  void on(StateStored&&, Turn& turn);
  void on(InputRejected&& input, Turn& turn);
  void on(MergeRequested&& input, Turn& turn);
  void on(LeaveRequested&&, Turn& turn);
  void on(AddressChanged&& input, Turn& turn);
  void on(AddressMapped&& input, Turn& turn);
  void on(LanContact&& input, Turn& turn);
  void on(AddressProbed&& input, Turn& turn);
  void describe_run(const NodeId& peer, Turn& turn);
  void on_pong(const NodeId& peer, const protocol::Pong& pong, Turn& turn);
  void on_gossip(const NodeId& peer, protocol::Gossip&& gossip, protocol::Haste haste, Turn& turn);
  void on_bulk(const NodeId& peer, protocol::Bulk&& bulk, Turn& turn);
  void on_announcement(const protocol::SignedAnnouncement& announcement, Bytes&& bytes, Turn& turn);
  void judge(const NodeId& peer, const protocol::Handled& handled, Turn& turn);
  void on_reach(const NodeId& peer, const protocol::Message& message, Turn& turn);

  // node_forms.cpp: what the other end of a link trains
  void tell_form(const PeerConnected& input, Turn& turn);
  void forget_form(const NodeId& peer);
  [[nodiscard]] bool is_of_fitting_peer(const MessageReceived& input, Turn& turn);
  void on_form(const NodeId& peer, const protocol::ModelForm& form, Turn& turn);

  // node_identity.cpp: two processes of one node
  void on_own_presence(const protocol::Presence& presence, Turn& turn);
  void on_challenge(const NodeId& peer, const protocol::IdentityChallenge& challenge, Turn& turn);
  void on_proof(const NodeId& peer, protocol::IdentityProof&& proof, Turn& turn);
  void expect_word_of_other_process(Instant now);
  [[nodiscard]] Instant sole_process_known_at() const;
  [[nodiscard]] bool may_be_copy(Instant now) const;
  void stop_as_copy(std::uint64_t earlier, const std::string& address, Turn& turn);

  // node_reach.cpp: by which path peers are reached, and where this node is
  void note_link(const PeerConnected& input, Turn& turn);
  void tick_paths(Turn& turn);
  void choose_paths(Turn& turn);
  void follow_own_reach(Turn& turn);
  [[nodiscard]] protocol::Reach reach_of(const NodeId& peer) const;
  [[nodiscard]] std::string address_of(const NodeId& peer) const;
  [[nodiscard]] protocol::PathKind path_to(const NodeId& peer) const;

  // node_results.cpp: finished jobs
  void on_result(LearnerResult&& result, Turn& turn);
  void on_loaded(const LoadStateDone& done, Turn& turn);
  void on_saved(SaveStateDone&& done, Turn& turn);
  void on_adopted(const AdoptDone& done, Turn& turn);
  void after_steps(Turn& turn);

  // node_merge.cpp: the final merge
  [[nodiscard]] bool may_propose() const;
  void propose_if_due(Turn& turn);
  void propose(Turn& turn);
  void count_nodes_seen();
  void on_commitments(const NodeId& peer, protocol::MergeCommitments&& commitments, Turn& turn);
  void contribute_if_settled(Turn& turn);
  void perform_merge_requests(Turn& turn);
  void perform(protocol::AnnounceMerge&& request, Turn& turn);
  void perform(protocol::SignCommitment&& request, Turn& turn);
  void perform(protocol::NeedContribution&& request, Turn& turn);
  void perform(protocol::NeedSum&& request, Turn& turn);
  void perform(protocol::NeedAverage&& request, Turn& turn);
  void perform(protocol::NeedOwnPart&& request, Turn& turn);
  void perform(protocol::NeedAdoption&& request, Turn& turn);
  void perform(protocol::MergeComplete&& request, Turn& turn);
  void on_contributed(ContributeDone&& done, Turn& turn);
  void note_broken_link(const NodeId& peer, protocol::CloseReason reason);
  [[nodiscard]] std::vector<NodeId> lacking_merge() const;
  void leave_unless_needed(Turn& turn);
  void leave_failed_merge(Turn& turn);
  [[nodiscard]] protocol::MergeOutput merge_output(Turn& turn);

  // node_announcements.cpp: what a node says to everyone
  [[nodiscard]] Duration presence_pause() const { return presence_pause(roll_.stretch()); }
  [[nodiscard]] Duration presence_pause(double stretch) const;
  [[nodiscard]] Duration gather_time() const;
  [[nodiscard]] bool is_finished() const;
  [[nodiscard]] protocol::Presence presence(std::uint64_t rival) const;
  void announce_presence(Turn& turn);
  void publish(Turn& turn);
  void spread(const protocol::SignedAnnouncement& announcement, const Bytes& bytes, Turn& turn);

  // node_phases.cpp: what follows from the state after every input
  void enter(Phase next);
  void settle(Turn& turn);
  void follow_neighbours(Turn& turn);
  void give_up_lost(Turn& turn);
  void notice_isolation(Turn& turn);
  [[nodiscard]] Instant isolation_told_at() const;
  void begin_if_ready(Turn& turn);
  [[nodiscard]] std::optional<Step> step_of_neighbours() const;
  [[nodiscard]] bool has_heard_others(Instant now) const;
  void begin_training(Step step, Turn& turn);
  void finish_training(Turn& turn);
  [[nodiscard]] Duration start_wait() const;
  void leave(Turn& turn);
  [[nodiscard]] Instant next_deadline() const;
  std::vector<Output> outputs_of(Turn&& turn);

  Config config_;
  Rng rng_;
  Roll roll_;
  protocol::Membership membership_;
  protocol::FailureDetector detector_;
  protocol::Broadcast broadcast_;
  protocol::OwnReach own_reach_;
  protocol::PathBook paths_;
  protocol::Relay relay_;
  protocol::PeerScore score_;
  protocol::IdentityWatch watch_;
  std::unique_ptr<Trainer> trainer_;
  protocol::Merge merge_;
  MergePolicy policy_;
  CatchUp catch_up_;
  PeerMemory memory_;
  ContactReport contact_report_;

  Phase phase_ = Phase::joining;
  std::map<NodeId, protocol::PathKind> links_;
  protocol::ModelForm own_form_;
  std::set<NodeId> fitting_;       ///< Of these links: have told that they train the same.
  std::set<NodeId> contacts_;      ///< Of these links: dialled at an address that the ticket names.
  std::set<NodeId> misfits_told_;  ///< To the owner.
  std::set<protocol::BulkKind> refusals_told_;  ///< Likewise, own or not.
  std::map<NodeId, Step> begun_;  ///< Of these links: trained already when we joined, at this step.
  std::set<NodeId> lost_;         ///< Gone for good, their edges not given up yet.
  std::set<NodeId> described_to_;  ///< Of these links: have been given the run's description.
  std::vector<protocol::MergeRequest> merge_requests_;
  std::optional<Digest> wanted_contribution_;
  Instant contribute_by_ = Instant::never();
  std::optional<Manifest> manifest_;
  std::set<NodeId> broken_off_;  ///< Since the merge began, without a farewell.
  AdoptDone adopted_;
  std::uint64_t sequence_;
  Step restored_step_ = 0;
  bool is_restored_ = false;                    ///< A copy, perhaps: it has what a process left.
  Instant sole_process_at_ = Instant::never();  ///< If it is one: no other has answered by then.
  std::string excluded_;  ///< Why this node gave nothing to the merge; empty: it did, or none was.
  std::string stop_reason_;  ///< Why the node has to end; empty for a clean end.
  Instant joining_since_;
  Instant presence_at_ = Instant::never();
  std::optional<protocol::BroadcastId> presence_id_;  ///< Of our last word.
  Instant presence_announced_at_ = Instant::never();
  Instant stop_at_ = Instant::never();  ///< After the merge: time for others to fetch the rest.
  Instant linger_until_;                ///< At most so long.
  bool told_finished_ = false;          ///< By our last word.
  bool is_stay_told_ = false;           ///< That it stays for others, and has the merged model.
  Instant timer_ = Instant::never();
  Step evaluated_at_ = 0;
  Step saved_at_ = 0;
  double loss_ = 0;
  std::optional<Evaluation> quality_;
  Instant isolated_at_ = Instant::never();  ///< Since then without a neighbour.
  bool is_isolation_told_ = false;
};

}  // namespace starling::node
