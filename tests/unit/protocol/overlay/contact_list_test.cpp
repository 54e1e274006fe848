#include "protocol/overlay/contact_list.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/instants.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;

/// The addresses dialled at `now`.
std::vector<std::string> dialled(ContactList& contacts, Instant now) {
  Effects effects;
  contacts.dial_due(now, effects);
  std::vector<std::string> addresses;
  for (const Effect& effect : effects.items) {
    const PeerRecord& peer = std::get<Dial>(effect).peer;
    EXPECT_EQ(peer.id, NodeId{});
    addresses.push_back(peer.address);
  }
  return addresses;
}

using Addresses = std::vector<std::string>;

TEST(ContactList, DialsEveryContactAtOnceAndAgainWhenADialMustHaveEnded) {
  ContactList contacts(1);
  contacts.add("a:1", at(0s));
  contacts.add("b:1", at(0s));
  EXPECT_EQ(dialled(contacts, at(0s)), (Addresses{"a:1", "b:1"}));
  EXPECT_EQ(dialled(contacts, at(limits::dial_time_max - 1ms)), Addresses());
  EXPECT_EQ(dialled(contacts, at(limits::dial_time_max)), (Addresses{"a:1", "b:1"}));
}

TEST(ContactList, DialsAnAddressThatIsNamedAgainNoMoreOften) {
  ContactList contacts(1);
  for (int i = 0; i < 3; ++i) {
    contacts.add("a:1", at(0s));
    EXPECT_EQ(dialled(contacts, at(0s)).size(), i == 0 ? 1U : 0U);
  }
}

TEST(ContactList, WaitsTwiceAsLongAfterEveryFailureUntilTheContactAnswers) {
  ContactList contacts(0.5);
  contacts.add("a:1", at(0s));
  Instant now;
  for (const Duration pause : {500ms, 1000ms, 2000ms}) {
    EXPECT_EQ(dialled(contacts, now), Addresses{"a:1"});
    contacts.dial_failed("a:1", now);
    EXPECT_EQ(dialled(contacts, now + (pause - 1ms)), Addresses());
    now = now + pause;
  }
  EXPECT_EQ(dialled(contacts, now), Addresses{"a:1"});
  contacts.answered("a:1");
  contacts.dial_failed("a:1", now);
  EXPECT_EQ(dialled(contacts, now + 500ms), Addresses{"a:1"});
}

TEST(ContactList, ForgetsAContactThatIsRemoved) {
  ContactList contacts(1);
  contacts.add("a:1", at(0s));
  contacts.add("b:1", at(0s));
  contacts.remove("a:1");
  EXPECT_EQ(dialled(contacts, at(0s)), Addresses{"b:1"});
}

TEST(ContactList, IsBoundedInNumberAndLength) {
  ContactList contacts(1);
  contacts.add("", at(0s));
  contacts.add(std::string(limits::address_characters_max + 1, 'a'), at(0s));
  EXPECT_EQ(dialled(contacts, at(0s)), Addresses());
  for (std::size_t i = 0; i < 2 * limits::contacts_max; ++i) {
    contacts.add("host" + std::to_string(i) + ":1", at(0s));
  }
  EXPECT_EQ(dialled(contacts, at(0s)).size(), limits::contacts_max);
}

}  // namespace
}  // namespace starling::protocol
