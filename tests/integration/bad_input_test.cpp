// What a person gets wrong: status 2, one line that names it, and nothing left on the disk.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "crypto/ticket.h"
#include "node/invitation.h"
#include "node/runtime/listener.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/program.h"

namespace starling {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Words = std::vector<std::string>;

class BadInput : public ::testing::Test {
 protected:
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(folder() / name) << text;
    return folder() / name;
  }

  /// A ticket of a run with these lines in its file; the node directory is `name`.
  std::string create(const std::string& name, const std::string& lines) const {
    const fs::path file = write(name + ".toml", lines);
    const auto outcome = testing::run_program({"create", file, "--dir", folder() / name});
    EXPECT_EQ(outcome.exit.code, 0) << outcome.error_text;
    return outcome.lines.empty() ? "" : outcome.lines.front();
  }

  /// Runs the program and expects it to refuse in one line that names all of `parts`, with no file
  /// more or less afterwards.
  void expect_refused(const Words& arguments, const Words& parts) const {
    const Words before = files();
    const auto outcome = testing::run_program(arguments);
    SCOPED_TRACE(::testing::PrintToString(arguments));
    EXPECT_EQ(outcome.exit.code, 2);
    EXPECT_EQ(outcome.exit.signal, 0);
    EXPECT_EQ(std::ranges::count(outcome.error_text, '\n'), 1) << outcome.error_text;
    EXPECT_TRUE(outcome.error_text.ends_with('\n'));
    for (const std::string& part : parts) EXPECT_THAT(outcome.error_text, HasSubstr(part));
    EXPECT_EQ(outcome.lines, Words());
    EXPECT_EQ(files(), before);
  }

  void expect_run_file_refused(const std::string& text, const Words& parts) const {
    expect_refused({"create", write("run.toml", text), "--dir", folder() / "new"}, parts);
  }

  /// With the description of the run that create("owner", ...) made, so that nobody is asked.
  void expect_join_refused(const std::string& ticket, Words options, const Words& parts) const {
    options.insert(options.begin(), {"join", ticket, "--dir", folder() / "new" / "node",
                                     "--offline-description", folder() / "owner" / "description"});
    expect_refused(options, parts);
  }

  [[nodiscard]] const fs::path& folder() const { return directory_.path(); }

 private:
  [[nodiscard]] Words files() const {
    Words names;
    for (const auto& entry : fs::recursive_directory_iterator(folder())) {
      names.push_back(entry.path());
    }
    std::ranges::sort(names);
    return names;
  }

  runtime::testing::TemporaryDirectory directory_;
};

constexpr const char* clusters_run = "task = \"clusters\"\nsteps = 10\n";

TEST_F(BadInput, UnknownCommandsAreNamedBesideThoseThereAre) {
  expect_refused({"trane"}, {"'trane'", "create join renew testnet"});
  expect_refused({"--frob"}, {"'--frob'", "create join renew testnet"});
  expect_refused({}, {"missing", "create join renew testnet"});
}

TEST_F(BadInput, UnknownFlagsAreNamed) {
  for (const char* command : {"create", "renew", "join", "testnet", "sim", "status", "merge",
                              "export", "replay", "audit", "tune", "version"}) {
    const std::string help = std::string("starling ") + command + " --help";
    expect_refused({command, "a", "b", "--frob"}, {"--frob", help});
  }
  expect_refused({"eval", "a", "--task", "clusters", "--frob"}, {"--frob"});
}

TEST_F(BadInput, MissingArgumentsAreNamed) {
  expect_refused({"create"}, {"RUN.TOML"});
  expect_refused({"join"}, {"TICKET"});
  expect_refused({"renew"}, {"DIR"});
  expect_refused({"sim"}, {"FILE"});
  expect_refused({"merge"}, {"DIR"});
  expect_refused({"export", folder()}, {"OUT.safetensors"});
  expect_refused({"eval", "model"}, {"--task"});
  expect_refused({"replay"}, {"DIR"});
  expect_refused({"audit"}, {"DIR"});
  expect_refused({"completion"}, {"SHELL"});
}

TEST_F(BadInput, ADirectoryWithoutALedgerIsNeitherReplayedNorAudited) {
  create("first-order", clusters_run);
  for (const char* command : {"replay", "audit"}) {
    expect_refused({command, folder() / "nowhere"}, {"nowhere", "starling join --dir"});
    expect_refused({command, folder() / "first-order"}, {"'gossip'", "keeps no ledger"});
  }
  expect_refused({"testnet", "--recipe", "votes", "--task", "clusters-softmax", "--catch-up",
                  "fast", "--out", folder() / "run"},
                 {"'fast'", "auto, replay or snapshot"});
}

TEST_F(BadInput, ReplayAuditAndTuneNameOptionsOutOfRange) {
  expect_refused({"replay", folder(), "--step", "soon"}, {"--step", "soon"});
  expect_refused({"audit", folder(), "--sample", "0"}, {"--sample", "0", "1"});
  expect_refused({"tune", "--nodes", "0"}, {"--nodes", "0", "1"});
  expect_refused({"tune", "--steps", "many"}, {"--steps", "many"});
  expect_refused({"tune", "--recipe", "gosip"}, {"'gosip'", "gossip"});
  expect_refused({"tune", "--recipe", "gossip"}, {"'gossip'", "does not vote"});
  expect_refused({"tune", "--task", "odd"}, {"'odd'", "clusters-softmax"});
}

TEST_F(BadInput, ARunFileNamesKeyValueAndRange) {
  expect_run_file_refused("stepz = 5", {"run.toml", "'stepz'", "steps"});
  expect_run_file_refused("steps = 0", {"steps = 0", "from 1"});
  expect_run_file_refused("steps = \"many\"", {"'many'", "whole number"});
  expect_run_file_refused("name = \"../up\"", {"'../up'", "a-z"});
  expect_run_file_refused("valid_hours = 0", {"valid_hours = 0", "from 1"});
  expect_run_file_refused("recipe = \"gosip\"", {"'gosip'", "gossip"});
  expect_run_file_refused("steps = ", {"run.toml:1"});
  expect_refused({"create", folder() / "none.toml"}, {"none.toml", "No such file"});
}

TEST_F(BadInput, ARecipeFileWithAnUnknownKeyOrPartsThatDoNotFitIsRefused) {
  write("odd.toml", "name = \"odd\"\nfrob = 1\n");
  expect_run_file_refused("recipe = \"odd.toml\"", {"odd.toml", "'frob'"});
  // Votes are not averaged pair by pair.
  write("mixed.toml", "name = \"mixed\"\noracle = \"votes\"\nmixer = \"pair\"\n");
  expect_run_file_refused("recipe = \"mixed.toml\"",
                          {"mixed.toml", "mixer = 'pair'", "oracle 'votes'"});
}

TEST_F(BadInput, AnAddressThatNobodyCanDialIsRefused) {
  const fs::path file = write("run.toml", clusters_run);
  for (const char* address : {"nohost", "host:70000", "0.0.0.0:4747", "host:0"}) {
    expect_refused({"create", file, "--dir", folder() / "new", "--address", address}, {address});
  }
  expect_join_refused(create("owner", clusters_run), {"--address", "nohost"}, {"'nohost'"});
}

TEST_F(BadInput, ATicketThatWouldBeTooLongIsNotMade) {
  const fs::path file = write("run.toml", clusters_run);
  Words arguments = {"create", file, "--dir", folder() / "new"};
  for (const char* name : {"first", "second", "third"}) {
    arguments.insert(arguments.end(), {"--address", std::string(60, 'a') + name + ":4747"});
  }
  expect_refused(arguments, {"characters", "at most 256"});
  arguments.insert(arguments.end(), {"--address", "fourth:4747"});
  expect_refused(arguments, {"4 addresses", "at most 3"});
}

TEST_F(BadInput, ATicketCutAnywhereIsRefused) {
  const std::string ticket = create("owner", clusters_run);
  for (const std::size_t length : {std::size_t{1}, std::size_t{9}, std::size_t{12},
                                   std::size_t{100}, ticket.size() / 2, ticket.size() - 1}) {
    expect_join_refused(ticket.substr(0, length), {}, {"ticket"});
  }
}

TEST_F(BadInput, ATicketWithOneChangedCharacterIsRefused) {
  const std::string ticket = create("owner", clusters_run);
  for (const std::size_t at : {std::size_t{3}, std::size_t{10}, std::size_t{40}, ticket.size() / 2,
                               ticket.size() - 60, ticket.size() - 1}) {
    std::string changed = ticket;
    changed[at] = changed[at] == 'q' ? 'r' : 'q';
    expect_join_refused(changed, {}, {"ticket"});
  }
}

TEST_F(BadInput, ATicketOfTheFirstVersionIsRefused) {
  create("owner", clusters_run);
  expect_join_refused("starling1aaaaaaaa", {}, {"starling1", "older version", "starling2"});
}

TEST_F(BadInput, AnExpiredTicketIsRefused) {
  auto ticket = crypto::parse_ticket(create("owner", clusters_run));
  ASSERT_TRUE(ticket);
  ticket->expiry = {1000};
  const auto text = crypto::write_ticket(*ticket, crypto::node_key(1));
  ASSERT_TRUE(text);
  expect_join_refused(*text, {}, {"expired on 1970-01-01 00:16 UTC", "starling renew"});
}

TEST_F(BadInput, AForgedTicketIsRefused) {
  const auto ticket = crypto::parse_ticket(create("owner", clusters_run));
  ASSERT_TRUE(ticket);
  const auto text = crypto::write_ticket(*ticket, crypto::node_key(1));
  ASSERT_TRUE(text);
  expect_join_refused(*text, {}, {"forged", "owner"});
}

TEST_F(BadInput, ADescriptionOfAnotherRunIsRefused) {
  const std::string ticket = create("one", clusters_run);
  create("owner", clusters_run);
  expect_join_refused(ticket, {}, {"not the description of the ticket's run"});
  expect_refused(
      {"join", ticket, "--dir", folder() / "new", "--offline-description", folder() / "none"},
      {"none", "No such file"});
}

TEST_F(BadInput, OnlyTheOwnerRenewsATicket) {
  const std::string ticket = create("owner", clusters_run);
  fs::create_directory(folder() / "guest");
  for (const char* file : {"ticket", "description"}) {
    fs::copy_file(folder() / "owner" / file, folder() / "guest" / file);
  }
  create("other", clusters_run);
  fs::copy_file(folder() / "other" / "identity", folder() / "guest" / "identity");
  expect_refused({"renew", folder() / "guest"}, {"only the run's owner"});
  expect_refused({"renew", folder() / "nowhere"}, {"nowhere", "starling join --dir"});
  expect_refused({"renew", folder() / "owner", "--hours", "0"}, {"--hours", "0", "1"});
  expect_refused({"renew", folder() / "owner", "--address", "nohost"}, {"'nohost'"});
}

TEST_F(BadInput, DataThatIsMissingCutOrNotANumberIsRefused) {
  const std::string ticket = create("owner", "task = \"softmax\"\n");
  expect_join_refused(ticket, {"--data", folder() / "none"}, {"none"});
  const std::string good = "0,1.5,2\n1,3,4\n0,5,6\n1,7,8\n";
  const fs::path with_nan = write("nan.csv", good + "1,nan,3\n");
  expect_join_refused(ticket, {"--data", with_nan}, {"nan.csv", "nan"});
  const fs::path ragged = write("ragged.csv", good + "1,2\n");
  expect_join_refused(ticket, {"--data", ragged}, {"ragged.csv"});
  fs::create_directory(folder() / "idx");
  for (const char* name : {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
                           "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}) {
    write(std::string("idx/") + name, "\x1f\x8b\x08");  // the beginning of a gzip header
  }
  expect_join_refused(ticket, {"--data", folder() / "idx"}, {"idx"});
}

TEST_F(BadInput, DataOfAnotherShapeThanTheRunsIsRefused) {
  const fs::path data = write("small.csv", "0,1,2\n1,3,4\n0,5,6\n1,7,8\n");
  const std::string ticket = create("owner", "task = \"softmax\"\nfeatures = 5\nclasses = 2\n");
  expect_join_refused(ticket, {"--data", data}, {"small.csv", "2", "5"});
}

TEST_F(BadInput, ABusyPortLeavesNoDirectoryBehind) {
  const auto busy = runtime::listen_on("127.0.0.1:0");
  ASSERT_TRUE(busy);
  expect_join_refused(create("owner", clusters_run), {"--listen", busy->address},
                      {busy->address, "in use"});
}

TEST_F(BadInput, JoinNamesOptionsOutOfRange) {
  const std::string ticket = create("owner", clusters_run);
  expect_join_refused(ticket, {"--shard", "9/8"}, {"9/8", "N - 1"});
  expect_join_refused(ticket, {"--shard", "8"}, {"'8'", "I/N"});
  expect_join_refused(ticket, {"--skew", "odd"}, {"'odd'", "dirichlet"});
  expect_join_refused(ticket, {"--nice", "20"}, {"20", "19"});
  expect_join_refused(ticket, {"--neighbours", "odd"}, {"'odd'", "ID@HOST:PORT"});
  expect_join_refused(ticket, {"--listen-fd", "77"}, {"77"});
}

TEST_F(BadInput, ADirectoryThatCannotBeWrittenIsRefused) {
  const fs::path file = write("run.toml", clusters_run);
  expect_refused({"create", file, "--dir", file / "under"}, {"run.toml/under"});
  expect_refused({"join", create("owner", clusters_run), "--dir", file / "under",
                  "--offline-description", folder() / "owner" / "description"},
                 {"run.toml/under"});
}

TEST_F(BadInput, ADirectoryOfAnotherRunIsRefused) {
  const std::string ticket = create("one", clusters_run);
  create("two", clusters_run);
  expect_refused({"join", ticket, "--dir", folder() / "two"}, {"another run"});
  expect_refused({"create", folder() / "one.toml", "--dir", folder() / "two"},
                 {"already has a run"});
}

TEST_F(BadInput, ADirectoryWhoseRunHasEndedIsRefused) {
  const std::string ticket = create("owner", clusters_run);
  write("owner/manifest.json", "{}");
  expect_refused({"join", ticket, "--dir", folder() / "owner"}, {"finished", "export"});
}

TEST_F(BadInput, TestnetNamesWhatCannotBe) {
  const fs::path out = folder() / "out";
  const Words common = {"testnet", "--task", "clusters", "--out", out};
  const auto expect = [&](Words options, const Words& parts) {
    options.insert(options.begin(), common.begin(), common.end());
    expect_refused(options, parts);
  };
  expect({"--kill", "9@10"}, {"--kill", "9", "8"});
  expect({"--kill", "two"}, {"--kill", "'two'", "K@STEP"});
  expect({"--recipe", "gosip"}, {"'gosip'", "gossip"});
  expect({"--nodes", "1"}, {"--nodes", "1", "2"});
  fs::create_directory(out);
  write("out/kept", "an earlier run's");
  expect({}, {"out", "not empty"});
}

TEST_F(BadInput, ADirectoryWithoutANodeHasNoStatusNoMergeAndNoModel) {
  const fs::path none = folder() / "none";
  expect_refused({"status", none}, {"none"});
  expect_refused({"merge", none}, {"none"});
  expect_refused({"export", none, folder() / "model"}, {"manifest.json"});
  expect_refused({"eval", none, "--task", "clusters"}, {"none"});
}

TEST_F(BadInput, AFileThatIsNoModelIsRefused) {
  const fs::path file = write("model.safetensors", "not a model");
  expect_refused({"eval", file, "--task", "clusters"}, {"model.safetensors"});
}

}  // namespace
}  // namespace starling
