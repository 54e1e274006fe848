#pragma once
// One transport and the session on it: a read loop, a writer that pulls when the transport has
// room, and a watchdog. Included only inside node/runtime, because it shows Asio.

#include <array>
#include <asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "node/runtime/transport.h"
#include "protocol/link/session.h"
#include "starling/ids.h"

namespace starling::runtime {

/// Owned by its Asio handlers as well as by the endpoint, so that a farewell can still leave after
/// the endpoint has forgotten the link.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  /// Hears what happens on the connection, always from Asio's loop, never from within a call.
  class Owner {
   public:
    Owner() = default;
    Owner(const Owner&) = delete;
    Owner& operator=(const Owner&) = delete;
    virtual ~Owner() = default;

    virtual void on_established(Connection& connection,
                                const protocol::SessionEstablished& established) = 0;
    virtual void on_message(Connection& connection, protocol::Message message) = 0;
    virtual void on_bulk_progressed(Connection& connection,
                                    const protocol::SessionBulkProgressed& progress) = 0;
    /// on_closed follows.
    virtual void on_bulk_refused(Connection& connection, const protocol::BulkRefusal& refusal) = 0;
    /// The peer ended the link, broke a rule, or is gone. Not called after our own close().
    virtual void on_closed(Connection& connection, const protocol::SessionClosed& closed) = 0;
    /// The socket is closed. The last call for this connection.
    virtual void on_released(Connection& connection) = 0;
    virtual void on_traffic(std::uint64_t bytes_sent, std::uint64_t bytes_received) = 0;
  };

  Connection(std::shared_ptr<Transport> transport, protocol::SessionOptions options, Owner& owner);

  void start();

  /// False: dropped, see Session::send.
  [[nodiscard]] bool send(protocol::Message message);

  /// As Session::refuses_to_send.
  [[nodiscard]] std::optional<protocol::BulkRefusal> refuses_to_send(
      const protocol::Message& message) const {
    return session_.refuses_to_send(message);
  }

  /// Sends what is queued and a farewell while the peer takes it, then closes the socket.
  void close(protocol::CloseReason reason);

  /// While paused nothing is read, so that TCP slows the peer down.
  void pause_reading(bool paused);

  [[nodiscard]] const Transport& transport() const { return *transport_; }

  [[nodiscard]] bool closed() const { return session_.closed(); }

  /// Closes the socket at once; no call to the owner from here on.
  void abandon();

 private:
  void read();
  void received(std::size_t bytes);
  void write();
  void begin_linger();
  void release();
  void watch();
  void handle(protocol::SessionEvents& events);

  // Several frames of 16 KiB: fewer system calls at full speed, little when the link is slow.
  static constexpr std::size_t read_bytes = 64U << 10U;

  std::shared_ptr<Transport> transport_;
  protocol::Session session_;
  Owner* owner_;
  asio::steady_timer watchdog_;
  Instant watched_ = Instant::never();
  Instant released_at_ = Instant::never();  // set when closing
  std::array<std::uint8_t, read_bytes> incoming_;
  Bytes outgoing_;
  bool writing_ = false;
  bool reading_ = false;
  bool paused_ = false;
};

}  // namespace starling::runtime
