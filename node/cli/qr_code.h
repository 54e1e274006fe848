#pragma once

#include <string>

#include "starling/result.h"

namespace starling::cli {

/// `text` as lines of half-block characters, dark on light; a ticket fits 80 columns.
/// Error: the text is longer than a QR code can hold.
[[nodiscard]] Result<std::string> draw_qr_code(const std::string& text);

/// Prints a ticket, and its drawing if it is wanted.
[[nodiscard]] Result<void> print_ticket(const std::string& ticket, bool as_qr_code_too);

}  // namespace starling::cli
