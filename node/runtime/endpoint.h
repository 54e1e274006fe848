#pragma once
// All connections of a node: accepts, dials, keeps one link per peer, and turns what happens on
// them into inputs of the core. Reconnecting is the core's decision.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "crypto/secret.h"
#include "crypto/signature.h"
#include "node/core/io.h"
#include "node/runtime/listener.h"
#include "protocol/link/bulk_bounds.h"

namespace asio {
class io_context;
}

namespace starling::runtime {

struct EndpointOptions {
  RunId run;
  crypto::SigningKey key;
  std::uint64_t incarnation = 0;                         ///< Of this process.
  std::optional<crypto::Secret<32>> psk = std::nullopt;  ///< Set: a private run.
  protocol::BulkBounds bulk = {};                        ///< Which bulk messages the run has.
  /// Sockets that the process can afford, links and strangers and dials together; a dial that
  /// races several addresses may need two or three for a moment.
  std::size_t sockets_max = std::numeric_limits<std::size_t>::max();
};

/// Everything on the sockets since the start: headers, handshakes and seals included.
struct Traffic {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
};

/// Of two links between the same two nodes the one dialled by the lower id stays, so that both ends
/// keep the same one when they dialled each other at once; if both were dialled from the same side
/// the newer stays, because the dialler came back after losing the older.
[[nodiscard]] bool newer_link_stays(bool older_dialled_by_us, bool newer_dialled_by_us,
                                    const NodeId& self, const NodeId& peer);

/// Thread: the one that runs `network`, for every call.
class Endpoint {
 public:
  /// Takes PeerConnected, PeerDisconnected, ConnectFailed, MessageReceived, BulkProgressed,
  /// BulkRefused, SecondProcess and InputRejected.
  using Sink = std::function<void(node::Input)>;

  /// network must outlive the endpoint. Accepting starts with start(). Without a socket in
  /// `listener` it only dials, and start() must not be called.
  Endpoint(asio::io_context& network, Listener listener, EndpointOptions options, Sink sink);
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;
  /// Breaks all links without a farewell.
  ~Endpoint();

  void start();

  /// As node::Connect says. peer.address: an address text (address.h).
  void connect(const protocol::PeerRecord& peer,
               protocol::PathKind path = protocol::PathKind::direct, const NodeId& via = {});
  /// As node::ProbeAddress says.
  void probe(const protocol::PeerRecord& peer, std::uint64_t nonce);

  /// As node::Send says.
  void send(const NodeId& peer, protocol::Message message);

  /// As node::Disconnect says; the answer comes within the call.
  void disconnect(const NodeId& peer, protocol::CloseReason reason);

  /// As node::Admit says.
  void admit(const NodeId& peer, std::uint64_t incarnation);
  /// As node::Refuse says.
  void refuse(const NodeId& peer, std::uint64_t incarnation, Bytes proof);
  /// This machine has moved: links from an address that it has no more are dead, and end.
  void drop_links_of_lost_addresses();

  /// While paused nothing is read from any link, so that TCP slows the peers down.
  void pause_reading(bool paused);

  /// Stops accepting, says farewell to all; `released` is called when the last socket is closed.
  void close(protocol::CloseReason reason, std::function<void()> released);

  [[nodiscard]] Traffic traffic() const;

 private:
  class Links;
  std::shared_ptr<Links> links_;
};

}  // namespace starling::runtime
