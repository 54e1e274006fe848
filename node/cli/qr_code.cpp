#include "node/cli/qr_code.h"

#include <qrencode.h>

#include <cstdio>
#include <memory>

namespace starling::cli {
namespace {

// ISO/IEC 18004 asks for a quiet zone of four modules; readers manage with two.
constexpr int quiet_zone = 2;

struct FreeCode {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

bool is_dark(const QRcode& code, int row, int column) {
  if (row < 0 || column < 0 || row >= code.width || column >= code.width) return false;
  return (code.data[row * code.width + column] & 1) != 0;
}

/// Two modules, one above the other, as one character; light modules are what is printed.
const char* half_blocks(bool upper_is_dark, bool lower_is_dark) {
  if (upper_is_dark) return lower_is_dark ? " " : "\u2584";
  return lower_is_dark ? "\u2580" : "\u2588";
}

}  // namespace

Result<void> print_qr_code(const std::string& text) {
  // Tickets are read in either case; capitals and digits take the code's denser alphabet.
  const std::unique_ptr<QRcode, FreeCode> code(
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, /*casesensitive=*/0));
  if (!code) {
    return invalid_input("the ticket has " + std::to_string(text.size()) +
                         " characters, more than a QR code holds; pass it on as text");
  }
  for (int row = -quiet_zone; row < code->width + quiet_zone; row += 2) {
    for (int column = -quiet_zone; column < code->width + quiet_zone; ++column) {
      std::fputs(half_blocks(is_dark(*code, row, column), is_dark(*code, row + 1, column)), stdout);
    }
    std::fputc('\n', stdout);
  }
  return {};
}

}  // namespace starling::cli
