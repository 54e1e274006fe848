#pragma once
// A newcomer before it is a node: it has a ticket, which names the run, and asks whoever answers at
// the ticket's addresses, or is found on the local network, for the run's description. The same
// kind of machine as NodeCore: inputs and the time in, outputs out.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "node/core/contact_report.h"
#include "node/core/io.h"
#include "protocol/effects.h"
#include "protocol/overlay/contact_list.h"
#include "starling/ids.h"
#include "starling/instant.h"

namespace starling::node {

class DescriptionFetch {
 public:
  /// run: the digest of the description wanted. addresses: the ticket's; there may be none.
  DescriptionFetch(const RunId& run, std::vector<std::string> addresses);

  [[nodiscard]] std::vector<Output> start(Instant now);
  /// Outputs are Connect, Disconnect, Send, StartTimer and Notify{ContactFailed}, to be performed
  /// in order.
  [[nodiscard]] std::vector<Output> handle(Input input, Instant now);

  /// Set once a member has given the bytes whose digest is the run's id; nothing happens any more.
  [[nodiscard]] const std::optional<Bytes>& description() const { return description_; }

 private:
  /// A member that has been asked.
  struct Asked {
    std::string address;
    Instant expires;
  };

  void on(const PeerConnected& input);
  void on(const PeerDisconnected& input);
  void on(const ConnectFailed& input);
  void on(const MessageReceived& input);
  void on(const LanContact& input);
  void tick();
  void tell(const std::string& address, protocol::DialProblem problem,
            const protocol::DialDetail& detail = {});
  void give_up(const NodeId& peer, protocol::CloseReason reason);
  [[nodiscard]] std::vector<Output> take_outputs();

  RunId run_;
  std::vector<std::string> addresses_;
  protocol::ContactList contacts_;
  ContactReport report_;
  std::map<NodeId, Asked> asked_;
  std::optional<Bytes> description_;
  Instant now_;
  Instant timer_ = Instant::never();
  std::vector<Output> outputs_;
};

/// The name of the run that has this description.
[[nodiscard]] RunId run_of_description(ByteSpan description);

}  // namespace starling::node
