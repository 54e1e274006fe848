#pragma once
// Scenarios of the tests, and runs of them that fail with what broke and how to see it again.

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "sim/simulation.h"
#include "tests/support/source_dir.h"

namespace starling::testing {

[[nodiscard]] inline sim::Scenario scenario_of(const std::string& toml) {
  auto scenario = sim::parse_scenario(toml, "test");
  EXPECT_TRUE(scenario) << scenario.error().message;
  return *scenario;
}

[[nodiscard]] inline sim::Scenario example(const std::string& name) {
  std::ifstream file(std::string(STARLING_SOURCE_DIR) + "/examples/scenarios/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return scenario_of(text.str());
}

/// Runs one seed and expects that every law held.
inline sim::Report expect_lawful(const sim::Scenario& scenario, std::uint64_t seed) {
  auto report = sim::simulate(scenario, seed);
  EXPECT_TRUE(report) << report.error().message;
  for (const sim::Violation& violation : report->violations) {
    ADD_FAILURE() << "seed " << seed << ", node " << violation.node.value_or(9999) << ": "
                  << violation.text;
  }
  return *report;
}

}  // namespace starling::testing
