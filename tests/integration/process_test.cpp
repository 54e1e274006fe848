// What a process of the real program owes the machine that it runs on.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/program.h"

namespace starling {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Process : public ::testing::Test {
 protected:
  [[nodiscard]] const fs::path& folder() const { return directory_.path(); }
  fs::path run_file() {
    const fs::path path = folder() / "run.toml";
    std::ofstream(path) << "task = \"clusters\"\nsteps = 20\nnodes = 1\n";
    return path;
  }

 private:
  runtime::testing::TemporaryDirectory directory_;
};

TEST_F(Process, WithItsOutputClosedPrintsIntoNoFileOfItsOwn) {
  const std::string closed = R"(exec "$0" "$@" <&- >&- 2>&-)";
  auto shell = runtime::ChildProcess::spawn(
      {.program = "/bin/sh",
       .arguments = {"-c", closed, STARLING_PROGRAM, "create", run_file().string(), "--dir",
                     (folder() / "node").string()}});
  ASSERT_TRUE(shell) << shell.error().message;
  runtime::ChildGroup group;
  group.add(std::move(*shell));
  while (group.running() > 0) static_cast<void>(group.wait(std::chrono::seconds(1)));
  EXPECT_TRUE(fs::exists(folder() / "node" / "ticket"));
  EXPECT_EQ(fs::file_size(folder() / "node" / "lock"), 0U);
}

TEST_F(Process, ThatIsGoneIsSaidNotToRun) {
  const fs::path node = folder() / "node";
  ASSERT_EQ(testing::run_program({"create", run_file(), "--address", "127.0.0.1:1", "--dir", node})
                .exit.code,
            0);
  ASSERT_EQ(testing::run_program({"join", "--dir", node, "--listen", "127.0.0.1:0"}).exit.code, 0);
  const auto as_json = testing::run_program({"status", node, "--json"});
  const Json status = Json::parse(as_json.lines.at(0));
  EXPECT_EQ(status["running"], false);
  EXPECT_EQ(status["since"].get<std::string>().size(), std::string("2026-01-01T00:00:00Z").size());
  const auto for_people = testing::run_program({"status", node});
  EXPECT_NE(for_people.lines.at(0).find("not running, last seen"), std::string::npos);
}

}  // namespace
}  // namespace starling
