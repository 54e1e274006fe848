// Whom to dial again, and when.

#include "protocol/overlay/address_book.h"

#include <gtest/gtest.h>

#include "tests/support/instants.h"
#include "tests/support/virtual_network.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::test_id;
using testing::test_record;

/// Fails dial after dial, each as soon as it is due. Returns the longest pause between two.
Duration longest_pause(AddressBook& book, Instant from, Instant until) {
  Duration longest{0};
  Instant dialled = from;
  for (Instant now = from; now < until; now = now + 100ms) {
    if (!book.is_due(test_id(1), now)) continue;
    longest = std::max(longest, now - dialled);
    dialled = now;
    book.dial_failed(test_id(1), now);
  }
  return longest;
}

TEST(AddressBook, TriesAPeerThatNeverAnsweredAboutOnceAMinute) {
  AddressBook book(1);
  book.remember(test_record(1), AddressBook::Source::hearsay);
  const Duration longest = longest_pause(book, at(0s), at(600s));
  EXPECT_GT(longest, 30s);
  EXPECT_LE(longest, limits::redial_delay_max + 1s);
}

TEST(AddressBook, TriesAPeerThatWasLinkedLatelyEveryFewSeconds) {
  AddressBook book(1);
  book.remember(test_record(1), AddressBook::Source::first_hand);
  book.linked(test_id(1), at(0s));
  EXPECT_LE(longest_pause(book, at(0s), at(500s)), limits::redial_delay_known_max + 1s);
  EXPECT_GT(longest_pause(book, at(500s), at(2000s)), 30s) << "by then it is a stranger again";
}

TEST(AddressBook, HearsayDoesNotReplaceAnAddressThatWorks) {
  AddressBook book(1);
  book.remember(test_record(1), AddressBook::Source::first_hand);
  book.remember({test_id(1), "elsewhere:1"}, AddressBook::Source::hearsay);
  EXPECT_EQ(book.find(test_id(1))->address, test_record(1).address);
  book.remember({test_id(1), "moved:1"}, AddressBook::Source::first_hand);
  EXPECT_EQ(book.find(test_id(1))->address, "moved:1");
}

}  // namespace
}  // namespace starling::protocol
