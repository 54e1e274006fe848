#pragma once

#include <string>

#include "starling/result.h"

namespace starling::cli {

/// Draws `text` on standard output with half-block characters, dark on light.
/// Error: the text is longer than a QR code can hold.
[[nodiscard]] Result<void> print_qr_code(const std::string& text);

}  // namespace starling::cli
