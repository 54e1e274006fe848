#pragma once
// What every command of the program is: options that it adds to the command line, and a run.
// A new command is one file here and one line in commands.cpp.

#include <memory>
#include <string_view>
#include <vector>

#include "starling/result.h"

namespace CLI {
class App;
}

namespace starling::cli {

class Command {
 public:
  Command() = default;
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  Command(Command&&) = delete;
  Command& operator=(Command&&) = delete;
  virtual ~Command() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// One line for the list of commands.
  [[nodiscard]] virtual std::string_view summary() const = 0;
  /// Adds the options to the command's own app, which outlives this object; values are read into
  /// members. The text after them (footer) shows an example.
  virtual void add_options(CLI::App& app) = 0;
  /// Called once, after the command line was read.
  [[nodiscard]] virtual Result<void> run() = 0;
};

/// Every command, in the order of --help.
[[nodiscard]] std::vector<std::unique_ptr<Command>> make_commands();

[[nodiscard]] std::unique_ptr<Command> make_create_command();
[[nodiscard]] std::unique_ptr<Command> make_renew_command();
[[nodiscard]] std::unique_ptr<Command> make_join_command();
[[nodiscard]] std::unique_ptr<Command> make_testnet_command();
[[nodiscard]] std::unique_ptr<Command> make_baseline_command();
[[nodiscard]] std::unique_ptr<Command> make_sim_command();
[[nodiscard]] std::unique_ptr<Command> make_tune_command();
[[nodiscard]] std::unique_ptr<Command> make_status_command();
[[nodiscard]] std::unique_ptr<Command> make_merge_command();
[[nodiscard]] std::unique_ptr<Command> make_export_command();
[[nodiscard]] std::unique_ptr<Command> make_eval_command();
[[nodiscard]] std::unique_ptr<Command> make_replay_command();
[[nodiscard]] std::unique_ptr<Command> make_audit_command();
[[nodiscard]] std::unique_ptr<Command> make_recipes_command();
[[nodiscard]] std::unique_ptr<Command> make_version_command();
[[nodiscard]] std::unique_ptr<Command> make_completion_command();

}  // namespace starling::cli
