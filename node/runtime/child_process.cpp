#include "node/runtime/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "starling/check.h"

namespace starling::runtime {

namespace {

struct Pipe {
  FileDescriptor read_end;
  FileDescriptor write_end;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error("make", "pipe", errno);
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

/// The file actions and attributes of one posix_spawn.
class SpawnPlan {
 public:
  SpawnPlan() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    // The group blocks SIGINT and SIGTERM for its signalfd; the child starts with none blocked,
    // and in a process group of its own, so that Ctrl-C reaches the parent alone, which then asks.
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  /// `fd` becomes `target` in the child; equal numbers mean "stays open" (POSIX.1-2024,
  /// glibc 2.29).
  void pass(int fd, int target) { ::posix_spawn_file_actions_adddup2(&actions_, fd, target); }
  void redirect(int target, const std::filesystem::path& path) {
    ::posix_spawn_file_actions_addopen(&actions_, target, path.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, public_file);
  }

  [[nodiscard]] int start(const SpawnOptions& options, pid_t& pid) const {
    std::vector<std::string> words = {options.program.native()};
    words.insert(words.end(), options.arguments.begin(), options.arguments.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return ::posix_spawn(&pid, options.program.c_str(), &actions_, &attributes_, pointers.data(),
                         ::environ);
  }

 private:
  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

sigset_t interrupting_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Result<ChildProcess> ChildProcess::spawn(const SpawnOptions& options) {
  Result<Pipe> input = make_pipe();
  if (!input) return std::unexpected(input.error());
  Result<Pipe> output = make_pipe();
  if (!output) return std::unexpected(output.error());
  SpawnPlan plan;
  plan.pass(input->read_end.get(), STDIN_FILENO);
  plan.pass(output->write_end.get(), STDOUT_FILENO);
  if (!options.error_output.empty()) plan.redirect(STDERR_FILENO, options.error_output);
  for (const int fd : options.inherited_descriptors) plan.pass(fd, fd);
  pid_t pid = 0;
  if (const int problem = plan.start(options, pid); problem != 0) {
    return system_error("start", options.program.native(), problem);
  }
  ::fcntl(output->read_end.get(), F_SETFL, O_NONBLOCK);
  return ChildProcess(pid, std::move(input->write_end), std::move(output->read_end));
}

ChildProcess::ChildProcess(pid_t pid, FileDescriptor input, FileDescriptor output)
    : pid_(pid), input_(std::move(input)), output_(std::move(output)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, 0)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      partial_line_(std::move(other.partial_line_)),
      exit_(other.exit_) {}

ChildProcess::~ChildProcess() {
  if (pid_ == 0 || !is_running()) return;
  send_signal(SIGKILL);
  wait();
}

void ChildProcess::send_signal(int signal) {
  if (is_running()) ::kill(pid_, signal);
}

ExitStatus ChildProcess::wait() {
  int raw_status = 0;
  while (is_running()) {
    if (::waitpid(pid_, &raw_status, 0) == pid_) note_exit(raw_status);
    STARLING_CHECK(!is_running() || errno == EINTR);
  }
  return *exit_;
}

void ChildProcess::note_exit(int raw_status) {
  exit_ = WIFSIGNALED(raw_status) ? ExitStatus{.code = 0, .signal = WTERMSIG(raw_status)}
                                  : ExitStatus{.code = WEXITSTATUS(raw_status), .signal = 0};
}

std::vector<std::string> ChildProcess::read_lines() {
  std::array<char, 16 * 1024> buffer;
  std::vector<std::string> lines;
  for (;;) {
    const ssize_t count = ::read(output_.get(), buffer.data(), buffer.size());
    if (count <= 0) {
      if (count == 0 || (errno != EAGAIN && errno != EINTR)) output_ = FileDescriptor();
      return lines;
    }
    partial_line_.append(buffer.data(), static_cast<std::size_t>(count));
    std::size_t start = 0;
    for (std::size_t end = 0; (end = partial_line_.find('\n', start)) != std::string::npos;
         start = end + 1) {
      lines.push_back(partial_line_.substr(start, end - start));
    }
    partial_line_.erase(0, start);
  }
}

ChildGroup::ChildGroup() {
  const sigset_t set = interrupting_signals();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  STARLING_CHECK(signals_.is_open());
}

ChildGroup::~ChildGroup() {
  const sigset_t set = interrupting_signals();
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

std::size_t ChildGroup::add(ChildProcess child) {
  children_.push_back(std::move(child));
  return children_.size() - 1;
}

std::size_t ChildGroup::running() const {
  return static_cast<std::size_t>(std::ranges::count_if(children_, &ChildProcess::is_running));
}

std::vector<ChildEvent> ChildGroup::wait(Duration time_max) {
  std::vector<pollfd> watched = {{signals_.get(), POLLIN, 0}};
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (!children_[i].is_running()) continue;
    watched.push_back({children_[i].output_.get(), POLLIN, 0});
    indices.push_back(i);
  }
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(time_max).count();
  ::poll(watched.data(), watched.size(), static_cast<int>(milliseconds));
  std::vector<ChildEvent> events;
  signalfd_siginfo signal;
  if (::read(signals_.get(), &signal, sizeof signal) > 0) events.emplace_back(Interrupted{});
  for (std::size_t k = 0; k < indices.size(); ++k) {
    if (watched[k + 1].revents != 0) collect(indices[k], events);
  }
  return events;
}

void ChildGroup::collect(std::size_t index, std::vector<ChildEvent>& events) {
  ChildProcess& child = children_[index];
  for (std::string& line : child.read_lines()) {
    events.emplace_back(ChildLine{index, std::move(line)});
  }
  // The end of its output is the end of the child: nobody else holds the pipe.
  if (!child.output_.is_open()) events.emplace_back(ChildExited{index, child.wait()});
}

}  // namespace starling::runtime
