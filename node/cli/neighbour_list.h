#pragma once

#include <string>
#include <vector>

#include "protocol/wire/message.h"
#include "starling/result.h"

namespace starling::cli {

/// "ID@HOST:PORT,..." or the name of a file with one a line; an empty text gives no neighbours.
/// Error: invalid_input naming the entry seen and the form allowed.
[[nodiscard]] Result<std::vector<protocol::PeerRecord>> parse_neighbours(const std::string& text);

}  // namespace starling::cli
