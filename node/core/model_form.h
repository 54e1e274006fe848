#pragma once
// What a node trains, as it tells its peers before anything else, and how two forms differ.

#include <optional>
#include <string>

#include "node/core/config.h"
#include "protocol/wire/message.h"

namespace starling::node {

[[nodiscard]] protocol::ModelForm form_of(const Config& config);

/// Both values of whatever differs, for the owner of `own`; nothing if the two can be mixed.
[[nodiscard]] std::optional<std::string> difference_between(const protocol::ModelForm& own,
                                                            const protocol::ModelForm& theirs);

}  // namespace starling::node
