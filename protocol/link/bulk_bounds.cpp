#include "protocol/link/bulk_bounds.h"

namespace starling::protocol {

std::string text_of(const BulkRefusal& refusal) {
  const std::string what = "a bulk message of kind " + std::string(name_of(refusal.kind)) +
                           " has " + std::to_string(refusal.bytes) + " bytes";
  if (refusal.bytes_max == 0) return what + " and was not expected";
  return what + ", and in this run at most " + std::to_string(refusal.bytes_max) + " are possible";
}

void BulkGate::sending(const Message& message) {
  if (std::holds_alternative<StateRequest>(message)) has_asked_for_state_ = true;
}

std::optional<BulkRefusal> BulkGate::refuses(BulkKind kind, std::uint64_t bytes) const {
  const bool is_unasked = kind == BulkKind::state && !has_asked_for_state_;
  const std::uint64_t bytes_max = is_unasked ? 0 : bounds_.of(kind);
  if (bytes_max > 0 && bytes <= bytes_max) return std::nullopt;
  return BulkRefusal{kind, bytes, bytes_max};
}

std::optional<BulkRefusal> BulkGate::refuses_to_send(const Message& message) const {
  const auto* bulk = std::get_if<Bulk>(&message);
  if (bulk == nullptr || bulk->data.size() <= bounds_.of(bulk->kind)) return std::nullopt;
  return BulkRefusal{bulk->kind, bulk->data.size(), bounds_.of(bulk->kind)};
}

}  // namespace starling::protocol
