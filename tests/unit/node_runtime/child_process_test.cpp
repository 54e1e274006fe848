#include "node/runtime/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <vector>

#include "node/runtime/listener.h"

namespace starling::runtime {
namespace {

using namespace std::chrono_literals;

SpawnOptions shell(const std::string& script) {
  return {.program = "/bin/sh", .arguments = {"-c", script}};
}

/// Everything that happens until all children have ended.
std::vector<ChildEvent> run_to_end(ChildGroup& group) {
  std::vector<ChildEvent> all;
  while (group.running() > 0) {
    for (ChildEvent& event : group.wait(10s)) all.push_back(std::move(event));
  }
  return all;
}

TEST(ChildProcess, DeliversLinesAndThenTheExitStatus) {
  ChildGroup group;
  group.add(*ChildProcess::spawn(shell("echo one; printf 'two\\nthree'; exit 3")));
  const auto events = run_to_end(group);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(std::get<ChildLine>(events[0]).text, "one");
  EXPECT_EQ(std::get<ChildLine>(events[1]).text, "two");
  EXPECT_EQ(std::get<ChildExited>(events[2]).status.code, 3);
}

TEST(ChildProcess, TellsWhichSignalKilledIt) {
  ChildGroup group;
  const std::size_t index = group.add(*ChildProcess::spawn(shell("read line")));
  group.child(index).send_signal(SIGKILL);
  const auto events = run_to_end(group);
  EXPECT_EQ(std::get<ChildExited>(events.back()).status.signal, SIGKILL);
}

TEST(ChildProcess, SeesTheEndOfItsInput) {
  ChildGroup group;
  const std::size_t index = group.add(*ChildProcess::spawn(shell("read line; echo gone")));
  group.child(index).close_input();
  const auto events = run_to_end(group);
  EXPECT_EQ(std::get<ChildLine>(events[0]).text, "gone");
}

TEST(ChildProcess, InheritsTheDescriptorsNamedAndNoOthers) {
  const Listener passed = std::move(*listen_on("127.0.0.1:0"));
  const Listener kept = std::move(*listen_on("127.0.0.1:0"));
  SpawnOptions options =
      shell("for fd in " + std::to_string(passed.socket.get()) + " " +
            std::to_string(kept.socket.get()) + "; do [ -e /proc/self/fd/$fd ] && echo $fd; done");
  options.inherited_descriptors = {passed.socket.get()};
  ChildGroup group;
  group.add(*ChildProcess::spawn(options));
  const auto events = run_to_end(group);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(std::get<ChildLine>(events[0]).text, std::to_string(passed.socket.get()));
}

TEST(ChildProcess, NamesAProgramThatIsNotThere) {
  const auto child = ChildProcess::spawn({.program = "/no/such/program"});
  ASSERT_FALSE(child.has_value());
  EXPECT_NE(child.error().message.find("/no/such/program"), std::string::npos);
}

TEST(ChildGroup, TurnsAnInterruptOfTheParentIntoAnEvent) {
  ChildGroup group;
  group.add(*ChildProcess::spawn(shell("read line")));
  ::kill(::getpid(), SIGINT);
  const auto events = group.wait(10s);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<Interrupted>(events[0]));
}

TEST(ChildGroup, ReturnsNothingWhenTheTimeIsOver) {
  ChildGroup group;
  group.add(*ChildProcess::spawn(shell("read line")));
  EXPECT_TRUE(group.wait(1ms).empty());
}

}  // namespace
}  // namespace starling::runtime
