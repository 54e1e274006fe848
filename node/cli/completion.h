#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace starling::cli {

/// The script that completes commands and their options, made from the program's own description.
/// shell: bash, zsh or fish.
[[nodiscard]] std::string completion_script(std::string_view shell, const CLI::App& program);

}  // namespace starling::cli
