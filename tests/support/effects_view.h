#pragma once
// Looks into the Effects of a machine.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/effects.h"

namespace starling::testing {

/// Every message of one kind that was sent, with its receiver, in order.
template <class Content>
[[nodiscard]] std::vector<std::pair<NodeId, Content>> sent_to(const protocol::Effects& effects) {
  std::vector<std::pair<NodeId, Content>> found;
  for (const protocol::Effect& effect : effects.items) {
    const auto* send = std::get_if<protocol::SendTo>(&effect);
    if (send == nullptr) continue;
    if (const auto* content = std::get_if<Content>(&send->message)) {
      found.emplace_back(send->peer, *content);
    }
  }
  return found;
}

template <class Content>
[[nodiscard]] std::vector<Content> sent(const protocol::Effects& effects) {
  std::vector<Content> found;
  for (auto& [peer, content] : sent_to<Content>(effects)) found.push_back(std::move(content));
  return found;
}

/// The number of effects of one kind (Dial, HangUp, SendTo).
template <class Kind>
[[nodiscard]] std::size_t count_of(const protocol::Effects& effects) {
  return static_cast<std::size_t>(std::count_if(
      effects.items.begin(), effects.items.end(),
      [](const protocol::Effect& effect) { return std::holds_alternative<Kind>(effect); }));
}

}  // namespace starling::testing
