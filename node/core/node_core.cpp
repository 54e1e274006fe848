#include "node/core/node_core.h"

#include <utility>

#include "node/core/node_parts.h"

namespace starling::node {

NodeCore::NodeCore(Config config) : parts_(std::make_unique<NodeParts>(std::move(config))) {}
NodeCore::~NodeCore() = default;
NodeCore::NodeCore(NodeCore&&) noexcept = default;
NodeCore& NodeCore::operator=(NodeCore&&) noexcept = default;

std::vector<Output> NodeCore::start(Instant now, protocol::SharedBytes checkpoint,
                                    const std::vector<Bytes>& votes) {
  return parts_->start(now, std::move(checkpoint), votes);
}

std::vector<Output> NodeCore::handle(Input input, Instant now) {
  return parts_->handle(std::move(input), now);
}

NodeStatus NodeCore::status(Instant now) const {
  return parts_->status(now);
}

}  // namespace starling::node
