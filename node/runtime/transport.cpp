#include "node/runtime/transport.h"

#include <netinet/tcp.h>

#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <utility>

#include "node/runtime/address.h"

namespace starling::runtime {

namespace {

using Tcp = asio::ip::tcp;

// Without it the kernel queues megabytes ahead of a ping (PROTOCOL.md section 2).
constexpr int unsent_bytes_low_water = 16 << 10;
// Enough to keep the socket busy, little enough that control overtakes bulk soon.
constexpr std::size_t socket_write_bytes = 32U << 10U;

}  // namespace

SocketTransport::SocketTransport(Tcp::socket socket) : socket_(std::move(socket)) {
  std::error_code ignored;  // an option refused costs speed, not correctness
  socket_.set_option(Tcp::no_delay(true), ignored);
  using UnsentLowWater = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
  socket_.set_option(UnsentLowWater(unsent_bytes_low_water), ignored);
}

void SocketTransport::read_some(std::span<std::uint8_t> into, Done done) {
  socket_.async_read_some(asio::buffer(into.data(), into.size()), std::move(done));
}

void SocketTransport::write(ByteSpan bytes, Done done) {
  asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()), std::move(done));
}

std::size_t SocketTransport::write_bytes() const {
  return socket_write_bytes;
}

void SocketTransport::end_sending() {
  std::error_code ignored;
  socket_.shutdown(Tcp::socket::shutdown_send, ignored);
}

void SocketTransport::close() {
  std::error_code ignored;
  socket_.close(ignored);
}

std::optional<asio::ip::address> SocketTransport::local_host() const {
  std::error_code broken;
  const Tcp::endpoint local = socket_.local_endpoint(broken);
  return broken ? std::nullopt : std::optional(local.address());
}

std::string SocketTransport::remote_address() const {
  std::error_code broken;
  const Tcp::endpoint remote = socket_.remote_endpoint(broken);
  if (broken) return {};
  return address_text(host_text(remote.address()), std::to_string(remote.port()));
}

std::string host_text(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
}

}  // namespace starling::runtime
