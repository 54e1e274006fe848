#pragma once
// One end of a circuit over a relay (protocol/overlay/relay.h), as a transport: its bytes travel in
// messages over the link to the relay. Included only inside node/runtime, because it shows Asio.

#include <asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "node/runtime/transport.h"
#include "protocol/link/circuit_flow.h"
#include "protocol/wire/message.h"

namespace starling::runtime {

class Circuit final : public Transport, public std::enable_shared_from_this<Circuit> {
 public:
  struct Actions {
    /// To the relay. False: the link to it takes no more, or has ended.
    std::function<bool(protocol::Message)> send;
    /// The last call: nothing for this circuit is of use any more.
    std::function<void()> closed;
  };
  Circuit(asio::io_context& network, std::uint64_t number, Actions actions)
      : network_(network), number_(number), actions_(std::move(actions)) {}

  // --- From the relay ---
  /// More than may be under way ends the circuit.
  void received(const Bytes& data);
  void granted(std::uint64_t bytes);
  /// The other end has closed, or there is no way to it any more.
  void ended();

  asio::any_io_executor executor() override { return network_.get_executor(); }
  bool is_open() const override { return is_open_; }
  void read_some(std::span<std::uint8_t> into, Done done) override;
  void write(ByteSpan bytes, Done done) override;
  std::size_t write_bytes() const override;
  void end_sending() override;
  void close() override;
  std::optional<asio::ip::address> local_host() const override { return std::nullopt; }
  std::string remote_address() const override { return {}; }

 private:
  void pump_reading();
  void pump_writing();
  void say_goodbye();
  void complete(Done& done, std::error_code problem, std::size_t bytes);

  asio::io_context& network_;
  std::uint64_t number_;
  Actions actions_;
  protocol::CircuitFlow flow_;
  Bytes incoming_;  ///< At most a window of it.
  std::span<std::uint8_t> into_;
  Done reading_;
  ByteSpan outgoing_;
  std::size_t written_ = 0;
  Done writing_;
  bool is_open_ = true;
  bool has_ended_ = false;  ///< Nothing more comes, and nothing can be sent.
  bool said_goodbye_ = false;
};

}  // namespace starling::runtime
