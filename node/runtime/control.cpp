#include "node/runtime/control.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <optional>
#include <system_error>

#include "node/runtime/file.h"

namespace starling::runtime {

namespace {

using Socket = asio::local::stream_protocol::socket;
using namespace std::chrono_literals;

constexpr std::string_view socket_name = "control.sock";
constexpr std::size_t request_bytes_max = 256;
// One client is served at a time; a stalled one must not keep the others out for long.
constexpr auto service_time_max = 2s;
// The client waits a little longer than one stalled client before it can hold the server.
constexpr timeval answer_time_max = {.tv_sec = 5, .tv_usec = 0};

/// A socket's name has at most 107 bytes, a directory's more: so both ends reach the socket through
/// the open directory.
class SocketPath {
 public:
  static Result<SocketPath> in(const std::filesystem::path& directory) {
    FileDescriptor folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder.is_open()) return system_error("open", directory.native(), errno);
    return SocketPath(std::move(folder));
  }
  [[nodiscard]] std::string text() const {
    return "/proc/self/fd/" + std::to_string(folder_.get()) + "/" + std::string(socket_name);
  }

 private:
  explicit SocketPath(FileDescriptor folder) : folder_(std::move(folder)) {}
  FileDescriptor folder_;
};

}  // namespace

/// Serves one client after another. Owned by its handlers too, which end when close() was called.
class ControlServer::Service : public std::enable_shared_from_this<Service> {
 public:
  Service(asio::io_context& network, SocketPath path, Answer answer)
      : acceptor_(network),
        client_(network),
        deadline_(network),
        path_(std::move(path)),
        answer_(std::move(answer)) {}

  std::error_code open() {
    std::error_code ignored;
    std::filesystem::remove(path_.text(), ignored);
    try {
      const asio::local::stream_protocol::endpoint endpoint(path_.text());
      acceptor_.open(endpoint.protocol());
      acceptor_.bind(endpoint);
      std::filesystem::permissions(path_.text(), std::filesystem::perms::owner_all);
      acceptor_.listen();
    } catch (const std::system_error& refused) {
      return refused.code();
    }
    accept();
    return {};
  }

  void close() {
    std::error_code ignored;
    acceptor_.close(ignored);
    client_.close(ignored);
    deadline_.cancel();
    answer_ = nullptr;
    std::filesystem::remove(path_.text(), ignored);
  }

 private:
  void accept() {
    acceptor_.async_accept(client_, [self = shared_from_this()](std::error_code problem) {
      if (self->acceptor_.is_open() && !problem) self->serve();
    });
  }

  void serve() {
    request_.clear();
    deadline_.expires_after(service_time_max);
    deadline_.async_wait([self = shared_from_this()](std::error_code cancelled) {
      std::error_code ignored;
      if (!cancelled) self->client_.close(ignored);
    });
    asio::async_read_until(
        client_, asio::dynamic_buffer(request_, request_bytes_max), '\n',
        [self = shared_from_this()](std::error_code problem, std::size_t length) {
          if (problem || !self->acceptor_.is_open()) return self->next();
          self->reply(std::string_view(self->request_).substr(0, length - 1));
        });
  }

  void reply(std::string_view request) {
    reply_ = answer_(request) + "\n";
    asio::async_write(client_, asio::buffer(reply_),
                      [self = shared_from_this()](std::error_code, std::size_t) { self->next(); });
  }

  void next() {
    std::error_code ignored;
    deadline_.cancel();
    client_.close(ignored);
    if (acceptor_.is_open()) accept();
  }

  asio::local::stream_protocol::acceptor acceptor_;
  Socket client_;
  asio::steady_timer deadline_;
  SocketPath path_;
  Answer answer_;
  std::string request_;
  std::string reply_;
};

ControlServer::ControlServer(std::shared_ptr<Service> service) : service_(std::move(service)) {}
ControlServer::ControlServer(ControlServer&&) noexcept = default;

ControlServer::~ControlServer() {
  if (service_) service_->close();
}

Result<ControlServer> ControlServer::create(asio::io_context& network,
                                            const std::filesystem::path& directory, Answer answer) {
  Result<SocketPath> path = SocketPath::in(directory);
  if (!path) return std::unexpected(path.error());
  auto service = std::make_shared<Service>(network, std::move(*path), std::move(answer));
  ControlServer server(service);
  if (const std::error_code problem = service->open()) {
    return system_error("open", (directory / socket_name).native(), problem.value());
  }
  return server;
}

Result<std::string> ask_node(const std::filesystem::path& directory, std::string_view request) {
  const Result<SocketPath> path = SocketPath::in(directory);
  if (!path) return std::unexpected(path.error());
  const FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return system_error("open", "socket", errno);
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    ::setsockopt(socket.get(), SOL_SOCKET, option, &answer_time_max, sizeof answer_time_max);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path->text().copy(address.sun_path, sizeof address.sun_path - 1);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failure("no node runs in " + directory.native() +
                   ": its control socket does not answer (start it with `starling join`)");
  }
  const std::string line = std::string(request) + "\n";
  if (::send(socket.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0) {
    return system_error("ask the node in", directory.native(), errno);
  }
  std::string answer;
  std::array<char, 4096> buffer;
  ssize_t count = 0;
  while ((count = ::read(socket.get(), buffer.data(), buffer.size())) > 0) {
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (answer.empty() || answer.back() != '\n') {
    return failure("the node in " + directory.native() + " did not answer within 5 s");
  }
  answer.pop_back();
  return answer;
}

}  // namespace starling::runtime
