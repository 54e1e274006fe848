#include "node/cli/program.h"

int main(int argc, char** argv) {
  return starling::cli::run_program({argv, static_cast<std::size_t>(argc)});
}
