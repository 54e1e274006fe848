#pragma once
// The node as a state machine: inputs and the time in, outputs out. It never reads a clock, opens a
// socket, touches a file or draws entropy; the runtime and the simulator run this same code.

#include <memory>
#include <vector>

#include "node/core/config.h"
#include "node/core/io.h"
#include "starling/event.h"
#include "starling/instant.h"

namespace starling::node {

class NodeCore {
 public:
  explicit NodeCore(Config config);
  ~NodeCore();
  NodeCore(NodeCore&&) noexcept;
  NodeCore& operator=(NodeCore&&) noexcept;

  /// Begins: dials the bootstrap addresses, restores `checkpoint` and `votes` (each may be empty).
  [[nodiscard]] std::vector<Output> start(Instant now, protocol::SharedBytes checkpoint,
                                          const std::vector<Bytes>& votes);

  /// The one entry after start(). Outputs are to be performed in order.
  [[nodiscard]] std::vector<Output> handle(Input input, Instant now);

  /// Everything but the byte counts, which only the performer knows.
  [[nodiscard]] NodeStatus status(Instant now) const;

 private:
  std::unique_ptr<class NodeParts> parts_;
};

}  // namespace starling::node
