#include "node/cli/qr_code.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "crypto/ticket.h"

namespace starling::cli {
namespace {

/// Characters on the screen: every byte of UTF-8 that does not continue one.
std::size_t columns(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(
      line, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

TEST(QrCode, OfTheLongestTicketFits80Columns) {
  const auto drawing = draw_qr_code(std::string(crypto::ticket_characters_max, 'x'));
  ASSERT_TRUE(drawing) << drawing.error().message;
  std::istringstream lines(*drawing);
  std::size_t widest = 0;
  for (std::string line; std::getline(lines, line);) widest = std::max(widest, columns(line));
  EXPECT_GT(widest, 20U);
  EXPECT_LE(widest, 80U);
}

TEST(QrCode, TellsCapitalLettersFromSmallOnes) {
  EXPECT_NE(draw_qr_code("starling2a").value(), draw_qr_code("starling2A").value());
}

TEST(QrCode, OfMoreThanACodeHoldsIsRefused) {
  EXPECT_FALSE(draw_qr_code(std::string(3000, 'x')));
}

}  // namespace
}  // namespace starling::cli
