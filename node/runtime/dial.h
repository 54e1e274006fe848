#pragma once
// Resolving a name and connecting, with one time limit over both. Included only inside
// node/runtime, because it shows Asio.

#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <system_error>

#include "starling/instant.h"

namespace starling::runtime {

/// Calls `done` exactly once, from Asio's loop: with an open socket, or with the problem.
/// address: "host:port" or "[v6]:port".
void dial(asio::io_context& network, const std::string& address, Duration time_max,
          std::function<void(std::error_code, asio::ip::tcp::socket)> done);

}  // namespace starling::runtime
