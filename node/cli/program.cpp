#include "node/cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "node/cli/command.h"
#include "node/runtime/platform.h"

namespace starling::cli {
namespace {

int status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::failure:
      return 1;
    case ErrorKind::invalid_input:
      return 2;
    case ErrorKind::no_quorum:
      return 3;
    case ErrorKind::left_early:
      return 4;
  }
  return 1;
}

int report(const Error& error) {
  std::string line = "starling: " + error.message;
  std::ranges::replace(line, '\n', ' ');
  std::fprintf(stderr, "%s\n", line.c_str());
  return status_of(error.kind);
}

/// The first word was no command.
int report_no_command(const CLI::App& program, std::span<const std::string> words) {
  std::string names;
  for (const CLI::App* command :
       program.get_subcommands([](const CLI::App* app) { return !app->get_group().empty(); })) {
    names += " " + command->get_name();
  }
  const std::string seen =
      words.empty() ? "a command is missing" : "'" + words.front() + "' is no command";
  return report({ErrorKind::invalid_input, seen + "; there are:" + names});
}

/// A command line that CLI11 refused, as one line that says where help is.
int report_refused(const CLI::App& program, const CLI::ParseError& refusal) {
  if (program.get_subcommands().empty()) return report_no_command(program, program.remaining());
  std::string name = "starling";
  for (const CLI::App* command : program.get_subcommands()) name += " " + command->get_name();
  std::string reason = refusal.what();
  while (!reason.empty() && (reason.back() == '\n' || reason.back() == '.')) reason.pop_back();
  return report({ErrorKind::invalid_input, reason + "; see " + name + " --help"});
}

int run_command(Command& command) {
  try {
    const Result<void> done = command.run();
    return done ? 0 : report(done.error());
  } catch (const std::exception& problem) {  // of a library: memory, standard output
    return report({ErrorKind::failure, problem.what()});
  }
}

}  // namespace

void end_program_with(const Error& error) {
  const int status = report(error);
  std::fflush(nullptr);
  std::_Exit(status);
}

int run_program(std::span<char* const> arguments) {
  runtime::occupy_standard_descriptors();
  runtime::raise_descriptor_limit();
  CLI::App program("Trains a model together with other nodes, with no server anywhere.",
                   "starling");
  program.require_subcommand(1);
  program.footer(
      "To see it work: starling testnet\n"
      "A run of your own: starling create run.toml, then on each machine: starling join TICKET\n"
      "starling COMMAND --help explains a command.");
  const std::vector<std::unique_ptr<Command>> commands = make_commands();
  std::vector<const CLI::App*> apps;
  for (const auto& command : commands) {
    CLI::App* app =
        program.add_subcommand(std::string(command->name()), std::string(command->summary()));
    command->add_options(*app);
    apps.push_back(app);
  }
  try {
    program.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::Success& help) {
    return program.exit(help);
  } catch (const CLI::ParseError& refusal) {
    return report_refused(program, refusal);
  }
  const auto chosen = std::ranges::find_if(apps, [](const auto* app) { return app->parsed(); });
  return run_command(*commands[static_cast<std::size_t>(chosen - apps.begin())]);
}

}  // namespace starling::cli
