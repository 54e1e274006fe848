#pragma once
// Transcripts: a text of inputs, each followed by what it led to, compared with a file beside the
// test. A difference is to be read like code; STARLING_UPDATE_TRANSCRIPTS=1 rewrites the files.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include "protocol/effects.h"
#include "starling/instant.h"
#include "tests/support/source_dir.h"
#include "tests/support/virtual_network.h"

namespace starling::testing {

/// Test nodes are called A, B, C, ... in the order of their numbers.
[[nodiscard]] inline std::size_t number_of(const NodeId& id) {
  std::size_t number = 0;
  while (test_id(number) != id) ++number;
  return number;
}
[[nodiscard]] inline std::string name_of(std::size_t number) {
  return {static_cast<char>('A' + number)};
}
[[nodiscard]] inline std::string name_of(const NodeId& id) {
  return name_of(number_of(id));
}

/// One line for each message of the exchange and of the merge.
[[nodiscard]] inline std::string line_of(const protocol::Message& message) {
  using namespace protocol;
  std::ostringstream line;
  if (const auto* hello = std::get_if<EdgeHello>(&message)) {
    line << "hello as " << hello->incarnation << ", met " << hello->peer_incarnation << ", applied "
         << hello->applied;
  } else if (const auto* offer = std::get_if<ExchangeOffer>(&message)) {
    line << "offer " << offer->exchange;
  } else if (const auto* accept = std::get_if<ExchangeAccept>(&message)) {
    line << "accept " << accept->exchange;
  } else if (const auto* busy = std::get_if<ExchangeBusy>(&message)) {
    line << "busy " << busy->exchange;
  } else if (const auto* applied = std::get_if<ExchangeApplied>(&message)) {
    line << "applied " << applied->exchange;
  } else if (const auto* open = std::get_if<RoundOpen>(&message)) {
    line << (open->final ? "open finally in round " : "open in round ") << open->round;
  } else if (const auto* bulk = std::get_if<Bulk>(&message)) {
    line << "payload " << bulk->number << " of " << bulk->data.size() << " bytes";
    if (bulk->kind == BulkKind::round_payload) line << ", degree " << bulk->degree;
  } else {
    line << "message " << message.index();
  }
  return line.str();
}

class Transcript {
 public:
  explicit Transcript(std::string_view title) { text_ << "# " << title << "\n"; }

  void input(Instant now, std::string_view what) {
    text_ << std::fixed << std::setprecision(3) << to_seconds(now.since_start) << " s  " << what
          << "\n";
  }
  void output(std::string_view what) { text_ << "    " << what << "\n"; }

  /// file: beside this header.
  void expect_equals(const std::string& file) const {
    const std::string path =
        std::string(STARLING_SOURCE_DIR) + "/tests/transcripts/" + file + ".txt";
    if (std::getenv("STARLING_UPDATE_TRANSCRIPTS") != nullptr) {
      std::ofstream(path) << text_.str();
      return;
    }
    std::ifstream stream(path);
    std::ostringstream expected;
    expected << stream.rdbuf();
    EXPECT_EQ(text_.str(), expected.str()) << path;
  }

 private:
  std::ostringstream text_;
};

}  // namespace starling::testing
