// Digests of cuts: when two of them say something, and what follows.

#include "protocol/ledger/ledger_digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "protocol/limits.h"
#include "starling/rng.h"
#include "tests/support/effects_view.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using testing::sent;
using testing::test_id;

Digest digest_of_byte(std::uint8_t byte) {
  Digest digest;
  digest.bytes.fill(byte);
  return digest;
}

OwnCut cut_of(Step step, std::uint8_t votes, std::uint8_t model) {
  return {.whole = {.step = step,
                    .packets = 3,
                    .votes = digest_of_byte(votes),
                    .model = digest_of_byte(model)},
          .parts = {1, 2, model}};
}

/// With neighbour 1.
DigestBook new_book() {
  DigestBook book;
  Effects effects;
  book.neighbour_up(test_id(1), effects);
  return book;
}

// --- The name of a set ---

TEST(PacketSet, HasOneNameInAnyOrder) {
  Rng rng(1);
  std::vector<Digest> packets(50);
  for (Digest& packet : packets) {
    for (auto& byte : packet.bytes) byte = static_cast<std::uint8_t>(rng.next());
  }
  PacketSet ordered;
  for (const Digest& packet : packets) ordered.add(packet);
  rng.shuffle(std::span(packets));
  PacketSet shuffled;
  for (const Digest& packet : packets) shuffled.add(packet);
  EXPECT_EQ(ordered.name(), shuffled.name());
  EXPECT_EQ(shuffled.packets(), 50U);
}

TEST(PacketSet, CarriesOverAllItsBytes) {
  PacketSet set;
  set.add(digest_of_byte(0xff));  // -1
  Digest two;
  two.bytes[0] = 2;
  set.add(two);
  Digest one;
  one.bytes[0] = 1;
  EXPECT_EQ(set.name(), one);
}

TEST(PacketSet, ForgetsWhatIsTakenOut) {
  PacketSet set;
  set.add(digest_of_byte(0x80));
  const Digest before = set.name();
  set.add(digest_of_byte(0xff));
  set.remove(digest_of_byte(0xff));
  EXPECT_EQ(set.name(), before);
  EXPECT_EQ(set.packets(), 1U);
}

// --- Comparisons ---

TEST(DigestBook, ComparesWhicheverDigestComesFirst) {
  Effects effects;
  DigestBook told_first = new_book();
  EXPECT_FALSE(told_first.receive(test_id(1), cut_of(32, 1, 7).whole, effects));
  ASSERT_EQ(told_first.add(cut_of(32, 1, 7), effects).size(), 1U);
  DigestBook own_first = new_book();
  EXPECT_TRUE(own_first.add(cut_of(32, 1, 7), effects).empty());
  const auto comparison = own_first.receive(test_id(1), cut_of(32, 1, 7).whole, effects);
  ASSERT_TRUE(comparison);
  EXPECT_TRUE(comparison->agrees());
}

TEST(DigestBook, SaysNothingOfModelsWithOtherVotes) {
  Effects effects;
  DigestBook book = new_book();
  static_cast<void>(book.add(cut_of(32, 1, 7), effects));
  EXPECT_FALSE(book.receive(test_id(1), cut_of(32, 2, 8).whole, effects));
  EXPECT_FALSE(book.receive(test_id(1), cut_of(64, 1, 8).whole, effects));
}

TEST(DigestBook, SendsItsPartsToWhoDiffersAndFindsWhichDo) {
  Effects effects;
  DigestBook book = new_book();
  static_cast<void>(book.add(cut_of(32, 1, 7), effects));
  EXPECT_TRUE(sent<CutParts>(effects).empty());
  const auto comparison = book.receive(test_id(1), cut_of(32, 1, 8).whole, effects);
  ASSERT_TRUE(comparison);
  EXPECT_FALSE(comparison->agrees());
  EXPECT_EQ(sent<CutParts>(effects).size(), 1U);
  const CutParts theirs{32, digest_of_byte(1), {1, 2, 8}};
  EXPECT_EQ(book.differing(theirs), std::vector<std::size_t>{2});
}

TEST(DigestBook, RefusesAnotherNumberOfParts) {
  Effects effects;
  DigestBook book = new_book();
  static_cast<void>(book.add(cut_of(32, 1, 7), effects));
  EXPECT_EQ(book.differing({32, digest_of_byte(1), {1, 2}}).error(), RejectReason::bad_payload);
}

TEST(DigestBook, TellsANewNeighbourItsNewestCut) {
  Effects effects;
  DigestBook book = new_book();
  static_cast<void>(book.add(cut_of(32, 1, 7), effects));
  static_cast<void>(book.add(cut_of(64, 2, 7), effects));
  Effects to_newcomer;
  book.neighbour_up(test_id(2), to_newcomer);
  ASSERT_EQ(sent<CutDigest>(to_newcomer).size(), 1U);
  EXPECT_EQ(sent<CutDigest>(to_newcomer)[0].step, 64U);
}

TEST(DigestBook, KeepsOnlyTheLastFewThatANeighbourTold) {
  Effects effects;
  DigestBook book = new_book();
  for (Step step = 0; step < 100; ++step) {
    static_cast<void>(book.receive(test_id(1), cut_of(step, 1, 7).whole, effects));
  }
  EXPECT_TRUE(book.add(cut_of(99 - limits::cuts_kept_max, 1, 7), effects).empty());
  EXPECT_EQ(book.add(cut_of(99, 1, 7), effects).size(), 1U);
}

TEST(DigestBook, ComparesNoCutOfAModelThatWasReplacedButTellsWhereItDiffered) {
  Effects effects;
  DigestBook book = new_book();
  static_cast<void>(book.add(cut_of(32, 1, 7), effects));
  book.replace_own();
  EXPECT_FALSE(book.receive(test_id(1), cut_of(32, 1, 8).whole, effects));
  EXPECT_EQ(sent<CutParts>(effects).size(), 1U);
}

}  // namespace
}  // namespace starling::protocol
