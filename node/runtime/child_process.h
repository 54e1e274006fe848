#pragma once
// Other processes under our control: `starling testnet` runs one per node and reads their events.

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "node/runtime/file.h"
#include "starling/instant.h"
#include "starling/result.h"

namespace starling::runtime {

/// How a process ended. signal: 0 unless a signal killed it.
struct ExitStatus {
  int code = 0;
  int signal = 0;
};

struct SpawnOptions {
  std::filesystem::path program;
  std::vector<std::string> arguments = {};      ///< Without the program's name.
  std::vector<int> inherited_descriptors = {};  ///< Kept open in the child under the same numbers.
  std::filesystem::path error_output = {};      ///< File for its standard error; empty: ours.
};

/// A running child. Its standard output is read as lines; its standard input ends when this object
/// does, or with close_input(), so that a child can notice an orphaned life.
class ChildProcess {
 public:
  [[nodiscard]] static Result<ChildProcess> spawn(const SpawnOptions& options);
  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  /// Kills a child that still runs.
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_running() const { return !exit_.has_value(); }

  /// Nothing happens if it has ended.
  void send_signal(int signal);
  void close_input() { input_ = FileDescriptor(); }
  /// Waits until it ends.
  ExitStatus wait();

 private:
  friend class ChildGroup;
  ChildProcess(pid_t pid, FileDescriptor input, FileDescriptor output);
  void note_exit(int raw_status);
  [[nodiscard]] std::vector<std::string> read_lines();

  pid_t pid_;
  FileDescriptor input_;
  FileDescriptor output_;
  std::string partial_line_;
  std::optional<ExitStatus> exit_;
};

struct ChildLine {
  std::size_t child = 0;  ///< Index in the order of add().
  std::string text;
};
struct ChildExited {
  std::size_t child = 0;
  ExitStatus status;
};
/// SIGINT or SIGTERM arrived at this process.
struct Interrupted {};
using ChildEvent = std::variant<ChildLine, ChildExited, Interrupted>;

/// Several children and one place to wait for whatever any of them does. While it exists SIGINT and
/// SIGTERM arrive as Interrupted. Thread: one, and no other group in the process.
class ChildGroup {
 public:
  ChildGroup();
  ChildGroup(const ChildGroup&) = delete;
  ChildGroup& operator=(const ChildGroup&) = delete;
  ~ChildGroup();

  /// Returns the child's index.
  std::size_t add(ChildProcess child);
  [[nodiscard]] std::size_t size() const { return children_.size(); }
  [[nodiscard]] ChildProcess& child(std::size_t index) { return children_[index]; }
  [[nodiscard]] std::size_t running() const;

  /// Waits until something happened or `time_max` is over (then: nothing). A child's exit comes
  /// after its last line.
  [[nodiscard]] std::vector<ChildEvent> wait(Duration time_max);

 private:
  void collect(std::size_t index, std::vector<ChildEvent>& events);

  std::vector<ChildProcess> children_;
  FileDescriptor signals_;
};

}  // namespace starling::runtime
