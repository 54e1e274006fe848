#include "protocol/overlay/own_reach.h"

#include "protocol/limits.h"

namespace starling::protocol {

void OwnReach::mapped(const std::string& address, bool is_up) {
  if (!is_up) {
    mapped_.erase(address);
  } else if (address.size() <= limits::address_characters_max &&
             mapped_.size() < limits::own_addresses_max) {
    mapped_.insert(address);
  }
}

}  // namespace starling::protocol
