#include "node/runtime/address_watch.h"

#include <chrono>
#include <system_error>
#include <utility>

#include "starling/instant.h"

namespace starling::runtime {

// A new network is found within this time; looking costs some ten system calls (our guess).
static constexpr Duration interval = std::chrono::seconds(3);

AddressWatch::AddressWatch(asio::io_context& network, std::string listened_on,
                           AnnouncedAddress announced, std::string current, Actions actions)
    : timer_(network),
      listened_on_(std::move(listened_on)),
      announced_(std::move(announced)),
      current_(std::move(current)),
      actions_(std::move(actions)) {}

void AddressWatch::start() {
  look();
  timer_.expires_after(interval);
  timer_.async_wait([this](std::error_code cancelled) {
    if (!cancelled) start();
  });
}

void AddressWatch::look() {
  std::string now = address_now(listened_on_, announced_, actions_.destinations());
  // In another order, as neighbours come and go, they are no news.
  if (same_addresses(now, current_)) return;
  current_ = std::move(now);
  actions_.changed(current_);
}

}  // namespace starling::runtime
