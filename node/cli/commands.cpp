#include <utility>

#include "node/cli/command.h"

namespace starling::cli {

std::vector<std::unique_ptr<Command>> make_commands() {
  std::vector<std::unique_ptr<Command>> commands;
  commands.push_back(make_create_command());
  commands.push_back(make_join_command());
  commands.push_back(make_renew_command());
  commands.push_back(make_testnet_command());
  commands.push_back(make_baseline_command());
  commands.push_back(make_sim_command());
  commands.push_back(make_tune_command());
  commands.push_back(make_status_command());
  commands.push_back(make_merge_command());
  commands.push_back(make_export_command());
  commands.push_back(make_eval_command());
  commands.push_back(make_replay_command());
  commands.push_back(make_audit_command());
  commands.push_back(make_recipes_command());
  commands.push_back(make_version_command());
  commands.push_back(make_completion_command());
  return commands;
}

}  // namespace starling::cli
