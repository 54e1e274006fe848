// starling version, completion: what the program says about itself.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>

#include "node/cli/command.h"
#include "node/cli/completion.h"
#include "optim/recipe.h"
#include "protocol/limits.h"

namespace starling::cli {
namespace {

class VersionCommand final : public Command {
 public:
  std::string_view name() const override { return "version"; }
  std::string_view summary() const override {
    return "Print version, compiler, protocol and recipes";
  }
  void add_options(CLI::App& app) override {
    app.add_flag("--json", as_json_, "Print one JSON object");
  }

  Result<void> run() override {
    const nlohmann::ordered_json about = {{"version", STARLING_VERSION},
                                          {"compiler", __VERSION__},
                                          {"protocol", protocol::limits::protocol_version},
                                          {"recipes", optim::builtin_recipe_names()}};
    if (as_json_) {
      std::printf("%s\n", about.dump().c_str());
    } else {
      std::printf("starling %s, protocol %s, compiled by %s\n", STARLING_VERSION,
                  about["protocol"].dump().c_str(), __VERSION__);
    }
    return {};
  }

 private:
  bool as_json_ = false;
};

class CompletionCommand final : public Command {
 public:
  std::string_view name() const override { return "completion"; }
  std::string_view summary() const override { return "Print the completion script of a shell"; }

  void add_options(CLI::App& app) override {
    program_ = app.get_parent();
    app.add_option("SHELL", shell_, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    app.footer(
        "Example:\n"
        "  starling completion bash > ~/.local/share/bash-completion/completions/starling");
  }

  Result<void> run() override {
    std::fputs(completion_script(shell_, *program_).c_str(), stdout);
    return {};
  }

 private:
  const CLI::App* program_ = nullptr;
  std::string shell_;
};

}  // namespace

std::unique_ptr<Command> make_version_command() {
  return std::make_unique<VersionCommand>();
}

std::unique_ptr<Command> make_completion_command() {
  return std::make_unique<CompletionCommand>();
}

}  // namespace starling::cli
