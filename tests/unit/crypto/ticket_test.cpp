#include "crypto/ticket.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

#include "crypto/base32.h"
#include "tests/support/crypto_keys.h"

namespace starling::crypto {
namespace {

constexpr UnixSeconds expiry{2'000};
constexpr UnixSeconds before_expiry{1'999};
constexpr std::size_t prefix_characters = 9;

Ticket private_ticket() {
  Ticket ticket;
  ticket.run = run_of(3);
  ticket.expiry = expiry;
  ticket.psk = secret_of(9);
  const ByteSpan description = bytes_of("task = \"softmax\"");
  ticket.description.assign(description.begin(), description.end());
  ticket.addresses = {"127.0.0.1:7000", "[::1]:7001"};
  return ticket;
}

std::string private_text() {
  return write_ticket(private_ticket(), node_key(1)).value();
}

std::string error_of(std::string_view text, UnixSeconds now = before_expiry) {
  const auto ticket = parse_ticket(text, now);
  if (ticket) return "no error";
  EXPECT_EQ(ticket.error().kind, ErrorKind::invalid_input);
  EXPECT_EQ(ticket.error().message.find('\n'), std::string::npos);
  return ticket.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Base32, MatchesRfc4648) {  // section 10, in lower case, without padding
  EXPECT_EQ(encode_base32(bytes_of("")), "");
  EXPECT_EQ(encode_base32(bytes_of("f")), "my");
  EXPECT_EQ(encode_base32(bytes_of("fo")), "mzxq");
  EXPECT_EQ(encode_base32(bytes_of("foo")), "mzxw6");
  EXPECT_EQ(encode_base32(bytes_of("foob")), "mzxw6yq");
  EXPECT_EQ(encode_base32(bytes_of("fooba")), "mzxw6ytb");
  EXPECT_EQ(encode_base32(bytes_of("foobar")), "mzxw6ytboi");
}

TEST(Base32, DecodesWhatItEncodes) {
  const auto bytes = counting_bytes<64>();
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto decoded = decode_base32(encode_base32(ByteSpan(bytes).first(size)));
    ASSERT_TRUE(decoded) << size;
    EXPECT_TRUE(std::ranges::equal(*decoded, ByteSpan(bytes).first(size))) << size;
  }
}

TEST(Base32, NamesThePositionOfAWrongCharacter) {
  EXPECT_EQ(decode_base32("mzx1w6").error(), 3U);
  EXPECT_EQ(decode_base32("m").error(), 1U);   // half a byte
  EXPECT_EQ(decode_base32("mz").error(), 2U);  // spare bits that are not zero
}

TEST(Ticket, SurvivesItsTextForm) {
  const auto ticket = parse_ticket(private_text(), before_expiry);
  ASSERT_TRUE(ticket) << ticket.error().message;
  const Ticket expected = private_ticket();
  EXPECT_EQ(ticket->run, expected.run);
  EXPECT_EQ(ticket->issuer, node_key(1).id());
  EXPECT_EQ(ticket->expiry, expected.expiry);
  EXPECT_TRUE(std::ranges::equal(ticket->psk.value().bytes(), expected.psk->bytes()));
  EXPECT_EQ(ticket->description, expected.description);
  EXPECT_EQ(ticket->addresses, expected.addresses);
}

TEST(Ticket, OfAnOpenRunHasNoPsk) {
  Ticket open = private_ticket();
  open.psk.reset();
  const auto ticket = parse_ticket(write_ticket(open, node_key(1)).value(), before_expiry);
  ASSERT_TRUE(ticket) << ticket.error().message;
  EXPECT_FALSE(ticket->psk);
}

TEST(Ticket, AtItsBoundsIsReadBack) {
  Ticket largest = private_ticket();
  largest.description.assign(ticket_description_bytes_max, 'x');
  largest.addresses.assign(ticket_addresses_max, std::string(ticket_address_characters_max, 'a'));
  const auto text = write_ticket(largest, node_key(1));
  ASSERT_TRUE(text);
  EXPECT_TRUE(parse_ticket(*text, before_expiry));
}

TEST(Ticket, BeyondItsBoundsIsNotWritten) {
  Ticket ticket = private_ticket();
  ticket.description.assign(ticket_description_bytes_max + 1, 'x');
  EXPECT_TRUE(contains(write_ticket(ticket, node_key(1)).error().message, "2049"));
  ticket = private_ticket();
  ticket.addresses.assign(ticket_addresses_max + 1, "localhost:1");
  EXPECT_TRUE(contains(write_ticket(ticket, node_key(1)).error().message, "9 addresses"));
}

TEST(Ticket, AddressThatCouldSteerATerminalIsNotWritten) {
  for (const char* address : {"", "local host:1", "\033[2Jhost:1", "host:1\n"}) {
    Ticket ticket = private_ticket();
    ticket.addresses = {address};
    EXPECT_FALSE(write_ticket(ticket, node_key(1)));
  }
}

TEST(Ticket, IsReadInUpperCaseAndWithWhiteSpaceAround) {
  std::string text = private_text();
  std::ranges::transform(text, text.begin(),
                         [](char c) { return static_cast<char>(std::toupper(c)); });
  EXPECT_TRUE(parse_ticket(" \n" + text + "\r\n", before_expiry));
}

TEST(Ticket, CutAtAnyLengthSaysSo) {
  const std::string text = private_text();
  for (std::size_t length = prefix_characters; length < text.size(); ++length) {
    EXPECT_TRUE(contains(error_of(text.substr(0, length)),
                         "cut short: it has " + std::to_string(length) + " characters"))
        << length;
  }
  EXPECT_TRUE(contains(error_of(text.substr(0, text.size() - 5)),
                       "its header says " + std::to_string(text.size())));
}

TEST(Ticket, WithoutItsPrefixIsNotATicket) {
  for (const char* text : {"", "star", "starling", "starling2abc", "https://example.org"}) {
    EXPECT_TRUE(contains(error_of(text), "not a ticket")) << text;
  }
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

TEST(Ticket, IsRefusedFromItsExpiryOn) {
  EXPECT_TRUE(contains(error_of(private_text(), expiry), "expired at 2000 while now is 2000"));
}

TEST(Ticket, WithAnyBitFlippedIsRefused) {
  const Bytes bytes = decode_base32(private_text().substr(prefix_characters)).value();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    EXPECT_NE(error_of("starling1" + encode_base32(flipped)), "no error") << bit;
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

TEST(Ticket, SignedByAnotherNodeIsForged) {
  Bytes bytes = decode_base32(private_text().substr(prefix_characters)).value();
  const NodeId other = node_key(2).id();
  std::ranges::copy(other.bytes, bytes.begin() + 34);  // the issuer's place
  EXPECT_TRUE(contains(error_of("starling1" + encode_base32(bytes)), "forged"));
}

}  // namespace
}  // namespace starling::crypto
