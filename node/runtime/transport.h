#pragma once
// What carries the bytes of a session: a socket, or a circuit over a relay. Included only inside
// node/runtime, because it shows Asio.

#include <asio/any_io_executor.hpp>
#include <asio/ip/tcp.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "starling/ids.h"

namespace starling::runtime {

class Transport {
 public:
  /// Called from Asio's loop, never from within a call, and once.
  using Done = std::function<void(std::error_code, std::size_t bytes)>;

  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  [[nodiscard]] virtual asio::any_io_executor executor() = 0;
  [[nodiscard]] virtual bool is_open() const = 0;
  /// One at a time. into: lives until `done`. Error: the stream has ended.
  virtual void read_some(std::span<std::uint8_t> into, Done done) = 0;
  /// All of the bytes; one at a time. They live until `done`.
  virtual void write(ByteSpan bytes, Done done) = 0;
  /// More than this in one write would be long in the way of what is more urgent.
  [[nodiscard]] virtual std::size_t write_bytes() const = 0;
  /// Everything is written.
  virtual void end_sending() = 0;
  /// At once; what is pending is done with an error.
  virtual void close() = 0;

  /// Of this machine; nothing if the socket is broken, or there is none.
  [[nodiscard]] virtual std::optional<asio::ip::address> local_host() const = 0;
  /// The peer's end as an address text; empty if it is not known.
  [[nodiscard]] virtual std::string remote_address() const = 0;
};

/// A TCP connection.
class SocketTransport final : public Transport {
 public:
  explicit SocketTransport(asio::ip::tcp::socket socket);

  asio::any_io_executor executor() override { return socket_.get_executor(); }
  bool is_open() const override { return socket_.is_open(); }
  void read_some(std::span<std::uint8_t> into, Done done) override;
  void write(ByteSpan bytes, Done done) override;
  std::size_t write_bytes() const override;
  void end_sending() override;
  void close() override;
  std::optional<asio::ip::address> local_host() const override;
  std::string remote_address() const override;

 private:
  asio::ip::tcp::socket socket_;
};

/// An IPv4 peer of a listener for both families counts as what it is.
[[nodiscard]] std::string host_text(const asio::ip::address& address);

}  // namespace starling::runtime
