#pragma once
// Talking to a running node from another process of the same user: a Unix socket in the node
// directory. One request line in, one line of JSON out, then the connection closes.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "starling/result.h"

namespace asio {
class io_context;
}

namespace starling::runtime {

class ControlServer {
 public:
  /// Answers one request with one line of JSON; called on the network thread.
  using Answer = std::function<std::string(std::string_view request)>;

  /// Replaces a socket that an earlier process left. Error: the directory refuses a socket.
  [[nodiscard]] static Result<ControlServer> create(asio::io_context& network,
                                                    const std::filesystem::path& directory,
                                                    Answer answer);
  ControlServer(ControlServer&&) noexcept;
  ControlServer& operator=(ControlServer&&) = delete;
  /// Closes and removes the socket.
  ~ControlServer();

 private:
  class Service;
  explicit ControlServer(std::shared_ptr<Service> service);

  std::shared_ptr<Service> service_;
};

/// Asks the node that runs in `directory`. Blocks for 5 s at most.
/// Error: no node runs there, or it does not answer.
[[nodiscard]] Result<std::string> ask_node(const std::filesystem::path& directory,
                                           std::string_view request);

}  // namespace starling::runtime
