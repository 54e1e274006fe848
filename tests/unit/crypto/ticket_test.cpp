#include "crypto/ticket.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/ticket_address.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr std::size_t prefix_characters = 9;

Secret<16> short_secret() {
  return Secret<16>(counting_bytes<16>());
}

Ticket private_ticket() {
  Ticket ticket;
  ticket.run = run_of(3);
  ticket.expiry = {2'000};
  ticket.secret = short_secret();
  ticket.addresses = {"127.0.0.1:7000", "[::1]:7001"};
  return ticket;
}

std::string private_text() {
  return write_ticket(private_ticket(), node_key(1)).value();
}

std::string error_of(std::string_view text) {
  const auto ticket = parse_ticket(text);
  if (ticket) return "no error";
  EXPECT_EQ(ticket.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(ticket.error().message.find('\n'), std::string::npos);
  return ticket.error().message;
}

std::string refusal_of(const Ticket& ticket) {
  const auto text = write_ticket(ticket, node_key(1));
  return text ? "no error" : text.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// The bytes of `text` without their checksum.
Bytes content_of(const std::string& text) {
  Bytes bytes = decode_base64url(text.substr(prefix_characters)).value();
  bytes.resize(bytes.size() - 4);
  return bytes;
}

/// As somebody would write a ticket who knows the format but not the owner's key.
std::string with_checksum(Bytes content) {
  const Digest digest = digest_in("starling ticket", content);
  content.insert(content.end(), digest.bytes.begin(), digest.bytes.begin() + 4);
  return "starling2" + encode_base64url(content);
}

TEST(Base64, MatchesRfc4648) {  // section 10, without padding
  EXPECT_EQ(encode_base64url(bytes_of("")), "");
  EXPECT_EQ(encode_base64url(bytes_of("f")), "Zg");
  EXPECT_EQ(encode_base64url(bytes_of("fo")), "Zm8");
  EXPECT_EQ(encode_base64url(bytes_of("foo")), "Zm9v");
  EXPECT_EQ(encode_base64url(bytes_of("foob")), "Zm9vYg");
  EXPECT_EQ(encode_base64url(bytes_of("fooba")), "Zm9vYmE");
  EXPECT_EQ(encode_base64url(bytes_of("foobar")), "Zm9vYmFy");
  EXPECT_EQ(encode_base64url(Bytes{0xfb, 0xff}), "-_8");  // section 5: safe in addresses
}

TEST(Base64, DecodesWhatItEncodes) {
  auto bytes = counting_bytes<64>();
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(byte * 37U);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_base64url(encode_base64url(ByteSpan(bytes).first(size)));
    ASSERT_TRUE(decoded) << size;
    EXPECT_TRUE(std::ranges::equal(*decoded, ByteSpan(bytes).first(size))) << size;
  }
}

TEST(Base64, NamesThePositionOfAWrongCharacter) {
  EXPECT_EQ(decode_base64url("Zm9+Yg").error(), 3U);
  EXPECT_EQ(decode_base64url("Z").error(), 1U);   // six bits are no byte
  EXPECT_EQ(decode_base64url("Zh").error(), 2U);  // spare bits that are not zero
}

TEST(TicketAddress, TakesFewBytes) {
  const auto size_of = [](std::string_view address) {
    Bytes bytes;
    EXPECT_TRUE(append_addresses(bytes, address));
    return bytes.size();
  };
  EXPECT_EQ(size_of("192.0.2.7:4747"), 7U);
  EXPECT_EQ(size_of("[2001:db8::7]:4747"), 19U);
  EXPECT_EQ(size_of("node.example.org:4747"), 1 + 16 + 2U);
}

TEST(TicketAddress, IsReadBack) {
  for (const std::string address :
       {"0.0.0.0:1", "255.255.255.255:65535", "[::]:1", "[2001:db8::7]:4747", "localhost:4747",
        "[fe80::1%eth0]:4747", "xn--bcher-kva.example:80"}) {
    Bytes bytes;
    ASSERT_TRUE(append_addresses(bytes, address)) << address;
    ByteReader reader(bytes);
    EXPECT_EQ(take_address(reader).value().text, address);
    EXPECT_TRUE(reader.at_end());
  }
}

TEST(TicketAddress, HasOneFormForEachAddress) {
  Bytes numeric_name = {10, '1', '9', '2', '.', '0', '.', '2', '.', '7', 0, 80};
  ByteReader reader(numeric_name);
  EXPECT_FALSE(take_address(reader));
  const Bytes bracketed_name = {4, '[', 'x', ']', 0, 80};
  ByteReader bracketed(bracketed_name);
  EXPECT_FALSE(take_address(bracketed));
}

TEST(TicketAddress, OfOneMachineStayTogether) {
  Ticket ticket = private_ticket();
  ticket.addresses = {"192.0.2.7:4747,[2001:db8::7]:4747", "other.example:1"};
  const auto text = write_ticket(ticket, node_key(1));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(parse_ticket(*text).value().addresses, ticket.addresses);
}

TEST(TicketAddress, CutAnywhereIsNone) {
  for (const std::string_view address : {"192.0.2.7:4747", "[2001:db8::7]:4747", "host:4747"}) {
    Bytes bytes;
    ASSERT_TRUE(append_addresses(bytes, address));
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      ByteReader reader(ByteSpan(bytes).first(size));
      EXPECT_FALSE(take_address(reader)) << address << " cut to " << size;
    }
  }
}

TEST(Ticket, SurvivesItsTextForm) {
  const auto ticket = parse_ticket(private_text());
  ASSERT_TRUE(ticket) << ticket.error().message;
  const Ticket expected = private_ticket();
  EXPECT_EQ(ticket->run, expected.run);
  EXPECT_EQ(ticket->expiry, expected.expiry);
  EXPECT_TRUE(std::ranges::equal(ticket->secret.value().bytes(), expected.secret->bytes()));
  EXPECT_EQ(ticket->addresses, expected.addresses);
}

TEST(Ticket, OfAPrivateRunWithThreeLongAddressesFits256Characters) {
  Ticket ticket = private_ticket();
  ticket.addresses = {"[2001:db8:aaaa:bbbb:cccc:dddd:eeee:1]:65535",
                      "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:2]:65535",
                      "[2001:db8:aaaa:bbbb:cccc:dddd:eeee:3]:65535"};
  const auto text = write_ticket(ticket, node_key(1));
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_LE(text->size(), 256U);
  EXPECT_EQ(parse_ticket(*text).value().addresses, ticket.addresses);
}

TEST(Ticket, ThatDoesNotFitNamesBothNumbers) {
  Ticket ticket = private_ticket();
  const std::string long_address(60, 'a');
  ticket.addresses.assign(3, long_address + ":1");
  const std::string refusal = refusal_of(ticket);
  EXPECT_TRUE(contains(refusal, "would have 424 characters")) << refusal;
  EXPECT_TRUE(contains(refusal, "at most 256")) << refusal;
  ticket.addresses.assign(4, "127.0.0.1:1");
  EXPECT_TRUE(contains(refusal_of(ticket), "4 addresses; allowed: at most 3"));
  ticket.addresses.clear();
  ticket.expiry = {std::int64_t{1} << 32U};
  EXPECT_TRUE(contains(refusal_of(ticket), "4294967296"));
}

TEST(Ticket, AddressThatCouldSteerATerminalIsNotWritten) {
  for (const char* address :
       {"", "local host:1", "\033[2Jhost:1", "host:1\n", "host:99999", "::1:80"}) {
    Ticket ticket = private_ticket();
    ticket.addresses = {address};
    EXPECT_TRUE(contains(refusal_of(ticket), "cannot be put into a ticket")) << address;
  }
}

TEST(Ticket, OfAnOpenRunHasNoKey) {
  Ticket open = private_ticket();
  open.secret.reset();
  const auto ticket = parse_ticket(write_ticket(open, node_key(1)).value());
  ASSERT_TRUE(ticket) << ticket.error().message;
  EXPECT_FALSE(ticket->secret);
  EXPECT_FALSE(pre_shared_key(*ticket));
}

TEST(Ticket, KeyOfAPrivateRunFollowsFromSecretAndRunAlone) {
  Ticket ticket = private_ticket();
  const auto key = pre_shared_key(ticket);
  ticket.expiry = {9'000};
  ticket.addresses.clear();
  EXPECT_TRUE(std::ranges::equal(key->bytes(), pre_shared_key(ticket)->bytes()));
  ticket.run = run_of(4);
  EXPECT_FALSE(std::ranges::equal(key->bytes(), pre_shared_key(ticket)->bytes()));
  ticket = private_ticket();
  ticket.secret->mutable_bytes()[0] ^= 1U;
  EXPECT_FALSE(std::ranges::equal(key->bytes(), pre_shared_key(ticket)->bytes()));
}

TEST(Ticket, IsReadWithWhiteSpaceAround) {
  EXPECT_TRUE(parse_ticket(" \n" + private_text() + "\r\n"));
}

TEST(Ticket, CutAtAnyLengthSaysSo) {
  const std::string text = private_text();
  for (std::size_t length = prefix_characters; length < text.size(); ++length) {
    EXPECT_TRUE(contains(error_of(text.substr(0, length)),
                         "cut short: it has " + std::to_string(length) + " characters"))
        << length;
  }
  EXPECT_TRUE(contains(error_of(text.substr(0, text.size() - 5)),
                       "its beginning says " + std::to_string(text.size())));
}

TEST(Ticket, WithoutItsPrefixIsNotATicket) {
  for (const char* text : {"", "star", "starling", "starling3abc", "https://example.org"}) {
    EXPECT_TRUE(contains(error_of(text), "not a ticket")) << text;
  }
}

TEST(Ticket, OfTheFirstVersionIsRefusedByName) {
  const std::string refusal = error_of("starling1abcdefgh");
  EXPECT_TRUE(contains(refusal, "older version")) << refusal;
  EXPECT_TRUE(contains(refusal, "starling2")) << refusal;
}

TEST(Ticket, WithMoreTextBehindItSaysSo) {
  EXPECT_TRUE(contains(error_of(private_text() + "aaaaaaaa"), "too long"));
}

TEST(Ticket, WrongCharacterIsNamedWithItsPosition) {
  std::string text = private_text();
  text[40] = '!';
  EXPECT_TRUE(contains(error_of(text), "('!') at position 41"));
  text[40] = '\033';
  EXPECT_TRUE(contains(error_of(text), "(not printable) at position 41"));
}

TEST(Ticket, WithAnyBitFlippedIsDamaged) {
  const Bytes bytes = decode_base64url(private_text().substr(prefix_characters)).value();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(error_of("starling2" + encode_base64url(flipped)), "no error") << bit;
  }
}

TEST(Ticket, WithAnyCharacterReplacedIsRefused) {
  const std::string text = private_text();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = changed[i] == 'a' ? 'b' : 'a';
    EXPECT_NE(error_of(changed), "no error") << i;
  }
}

TEST(Ticket, IsTheOwnersOnly) {
  const auto ticket = parse_ticket(private_text());
  ASSERT_TRUE(ticket);
  EXPECT_TRUE(is_signed_by(*ticket, node_key(1).id()));
  EXPECT_FALSE(is_signed_by(*ticket, node_key(2).id()));
}

TEST(Ticket, ChangedByWhoCanMakeAChecksumIsForged) {
  const Bytes content = content_of(private_text());
  EXPECT_EQ(with_checksum(content), private_text());
  std::size_t readable = 0;
  for (std::size_t bit = 8; bit < content.size() * 8; ++bit) {  // after the length
    Bytes changed = content;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto ticket = parse_ticket(with_checksum(changed));
    if (!ticket) continue;  // fields that do not fit together
    ++readable;
    EXPECT_FALSE(is_signed_by(*ticket, node_key(1).id())) << bit;
  }
  EXPECT_GT(readable, 8 * (32 + 4 + 16 + 64U));  // run, expiry, secret and signature at least
}

}  // namespace
}  // namespace starling::crypto
