#include "node/cli/completion.h"

#include <CLI/CLI.hpp>
#include <vector>

namespace starling::cli {
namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& program) {
  return program.get_subcommands([](const CLI::App*) { return true; });
}

std::string option_names(const CLI::App& command) {
  std::string names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names += " --" + name;
  }
  return names;
}

/// zsh reads bash's scripts after bashcompinit (zshcompsys(1)).
std::string bash_script(const CLI::App& program) {
  std::string names;
  std::string cases;
  for (const CLI::App* command : commands_of(program)) {
    names += " " + command->get_name();
    cases += "    " + command->get_name() + ") words=\"" + option_names(*command) + "\" ;;\n";
  }
  return "_starling() {\n"
         "  local words\n"
         "  case \"${COMP_WORDS[1]}\" in\n" +
         cases + "    *) words=\"" + names +
         "\" ;;\n"
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
         "}\n"
         "complete -o default -F _starling starling\n";
}

std::string fish_script(const CLI::App& program) {
  std::string script;
  for (const CLI::App* command : commands_of(program)) {
    const std::string& name = command->get_name();
    script += "complete -c starling -n __fish_use_subcommand -a " + name + " -d '" +
              command->get_description() + "'\n";
    const std::string option_of =
        "complete -c starling -n '__fish_seen_subcommand_from " + name + "' -l ";
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& long_name : option->get_lnames()) {
        script.append(option_of).append(long_name).append("\n");
      }
    }
  }
  return script;
}

}  // namespace

std::string completion_script(std::string_view shell, const CLI::App& program) {
  if (shell == "fish") return fish_script(program);
  const std::string script = bash_script(program);
  return shell == "zsh" ? "autoload -U +X bashcompinit && bashcompinit\n" + script : script;
}

}  // namespace starling::cli
