#include "node/invitation.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "node/admission.h"
#include "node/runtime/platform.h"
#include "optim/recipe.h"
#include "tests/support/crypto_keys.h"
#include "tests/unit/node_runtime/temporary_directory.h"

namespace starling {
namespace {

using crypto::node_key;
using runtime::testing::TemporaryDirectory;

RunFile small_run() {
  RunFile file;
  file.run.task = "clusters";
  file.run.recipe = optim::builtin_recipe("gossip").value();
  return file;
}

NewRun made_by(const crypto::SigningKey& owner, const RunFile& file = small_run()) {
  return create_run(file, {"127.0.0.1:4747"}, owner).value();
}

/// As a ticket of `made` that ran out an hour ago.
std::string expired(const NewRun& made, const crypto::SigningKey& owner) {
  crypto::Ticket ticket = crypto::parse_ticket(made.ticket).value();
  ticket.expiry = {runtime::unix_now().value - 3600};
  return crypto::write_ticket(ticket, owner).value();
}

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Invitation, TicketAndDescriptionBelongTogether) {
  const NewRun made = made_by(node_key(1));
  EXPECT_LE(made.ticket.size(), crypto::ticket_characters_max);
  const auto invitation =
      accept_description(crypto::parse_ticket(made.ticket).value(), made.description);
  ASSERT_TRUE(invitation) << invitation.error().message;
  EXPECT_EQ(invitation->run.owner, node_key(1).id());
  EXPECT_EQ(invitation->run.task, "clusters");
}

TEST(Invitation, AnotherRunsDescriptionIsRefusedByBothNames) {
  const crypto::Ticket ticket = crypto::parse_ticket(made_by(node_key(1)).ticket).value();
  const NewRun other = made_by(node_key(1));
  const std::string text = refusal(accept_description(ticket, other.description));
  EXPECT_TRUE(contains(text, ticket.run.short_text())) << text;
  EXPECT_TRUE(contains(text, run_id(other.description).short_text())) << text;
}

TEST(Invitation, ATicketThatTheOwnerHasNotSignedIsForged) {
  const NewRun made = made_by(node_key(1));
  crypto::Ticket ticket = crypto::parse_ticket(made.ticket).value();
  ticket.addresses = {"192.0.2.66:1"};
  const auto forged = crypto::parse_ticket(crypto::write_ticket(ticket, node_key(2)).value());
  ASSERT_TRUE(forged);
  const std::string text = refusal(accept_description(*forged, made.description));
  EXPECT_TRUE(contains(text, "forged")) << text;
  EXPECT_TRUE(contains(text, node_key(1).id().short_text())) << text;
}

TEST(Invitation, ADescriptionThatNoMessageHoldsIsRefusedWhenTheRunIsMade) {
  RunFile file = small_run();
  file.run.name = std::string(9000, 'x');
  const std::string text = refusal(create_run(file, {}, node_key(1)));
  EXPECT_TRUE(contains(text, "at most 8192")) << text;
}

TEST(Invitation, IsRenewedForTheSameRunByItsOwnerOnly) {
  const NewRun made = made_by(node_key(1));
  const auto invitation =
      accept_description(crypto::parse_ticket(made.ticket).value(), made.description);
  ASSERT_TRUE(invitation);
  const auto renewed = renew_ticket(*invitation, 1000, {"192.0.2.7:1"}, node_key(1));
  ASSERT_TRUE(renewed) << renewed.error().message;
  const crypto::Ticket ticket = crypto::parse_ticket(*renewed).value();
  EXPECT_EQ(ticket.run, invitation->ticket.run);
  EXPECT_TRUE(std::ranges::equal(crypto::pre_shared_key(ticket)->bytes(),
                                 crypto::pre_shared_key(invitation->ticket)->bytes()));
  EXPECT_GT(ticket.expiry, invitation->ticket.expiry);
  EXPECT_EQ(ticket.addresses, std::vector<std::string>{"192.0.2.7:1"});
  EXPECT_TRUE(accept_description(ticket, made.description));
  const std::string text = refusal(renew_ticket(*invitation, 1, {}, node_key(2)));
  EXPECT_TRUE(contains(text, "only the run's owner")) << text;
}

TEST(Admission, TellsANewcomerWhenTheTicketExpiredAndWhatToDo) {
  const NewRun made = made_by(node_key(1));
  const std::string text = refusal(
      seek_admission({.ticket = expired(made, node_key(1)), .description = made.description}));
  EXPECT_TRUE(contains(text, "expired on 20")) << text;
  EXPECT_TRUE(contains(text, "1 hour ago")) << text;
  EXPECT_TRUE(contains(text, "starling renew")) << text;
}

TEST(Admission, OfAMemberDoesNotEndWithItsTicket) {
  const TemporaryDirectory directory;
  const NewRun made = made_by(node_key(1));
  const std::string old = expired(made, node_key(1));
  {
    auto store = runtime::Store::open(directory.path());
    ASSERT_TRUE(store);
    const auto invitation = accept_description(crypto::parse_ticket(old).value(), made.description);
    ASSERT_TRUE(keep_invitation(*store, old, *invitation));
  }
  for (const std::string& ticket : {std::string(), old}) {
    const auto admission = seek_admission({.ticket = ticket, .directory = directory.path()});
    ASSERT_TRUE(admission) << admission.error().message;
    EXPECT_EQ(admission->invitation.run.owner, node_key(1).id());
    EXPECT_TRUE(admission->store);
  }
}

TEST(Admission, WritesNothing) {
  const TemporaryDirectory directory;
  const NewRun made = made_by(node_key(1));
  const auto admission = seek_admission({.ticket = made.ticket,
                                         .directory = directory.path() / "none",
                                         .description = made.description});
  ASSERT_TRUE(admission) << admission.error().message;
  EXPECT_FALSE(admission->store);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "none"));
}

TEST(Admission, InADirectoryOfAnotherRunIsRefusedBeforeAnybodyIsAsked) {
  const TemporaryDirectory directory;
  const NewRun made = made_by(node_key(1));
  {
    auto store = runtime::Store::open(directory.path());
    ASSERT_TRUE(store->save_description(made.description) && store->save_ticket(made.ticket));
  }
  const std::string text = refusal(
      seek_admission({.ticket = made_by(node_key(2)).ticket, .directory = directory.path()}));
  EXPECT_TRUE(contains(text, "another run")) << text;
}

}  // namespace
}  // namespace starling
