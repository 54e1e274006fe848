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

Result<std::string> draw_qr_code(const std::string& text) {
  const std::unique_ptr<QRcode, FreeCode> code(
      QRcode_encodeString(text.c_str(), 0, QR_ECLEVEL_L, QR_MODE_8, /*casesensitive=*/1));
  if (!code) {
    return invalid_input("the ticket has " + std::to_string(text.size()) +
                         " characters, more than a QR code holds; pass it on as text");
  }
  std::string drawing;
  for (int row = -quiet_zone; row < code->width + quiet_zone; row += 2) {
    for (int column = -quiet_zone; column < code->width + quiet_zone; ++column) {
      drawing += half_blocks(is_dark(*code, row, column), is_dark(*code, row + 1, column));
    }
    drawing += '\n';
  }
  return drawing;
}

Result<void> print_ticket(const std::string& ticket, bool as_qr_code_too) {
  std::printf("%s\n", ticket.c_str());
  if (!as_qr_code_too) return {};
  const auto drawing = draw_qr_code(ticket);
  if (!drawing) return std::unexpected(drawing.error());
  std::fputs(drawing->c_str(), stdout);
  return {};
}

}  // namespace starling::cli
