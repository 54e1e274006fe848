#include "protocol/overlay/contact_list.h"

#include <algorithm>

#include "protocol/limits.h"
#include "protocol/overlay/address_book.h"
#include "protocol/pace.h"

namespace starling::protocol {

void ContactList::add(const std::string& address, Instant now, PathKind path) {
  if (address.empty() || address.size() > limits::address_characters_max) return;
  const bool is_known = std::ranges::any_of(
      contacts_, [&](const Contact& contact) { return contact.address == address; });
  if (is_known || contacts_.size() >= limits::contacts_max) return;
  contacts_.push_back({.address = address, .path = path, .retry_at = now});
}

void ContactList::remove(const std::string& address) {
  std::erase_if(contacts_, [&](const Contact& contact) { return contact.address == address; });
}

void ContactList::dial(Contact& contact, Instant now, Effects& effects) const {
  contact.is_tried = true;
  contact.retry_at = now + scaled(limits::dial_time_max, interval_scale_);
  effects.dial({.id = {}, .address = contact.address}, contact.path);
}

void ContactList::dial_due(Instant now, Effects& effects) {
  for (Contact& contact : contacts_) {
    if (contact.retry_at <= now) dial(contact, now, effects);
  }
}

void ContactList::dial_untried(Instant now, Effects& effects) {
  for (Contact& contact : contacts_) {
    if (!contact.is_tried) dial(contact, now, effects);
  }
}

void ContactList::dial_failed(const std::string& address, Instant now) {
  for (Contact& contact : contacts_) {
    if (contact.address != address) continue;
    contact.retry_at = now + redial_delay(contact.failures++, interval_scale_);
  }
}

Instant ContactList::next_due() const {
  Instant earliest = Instant::never();
  for (const Contact& contact : contacts_) earliest = std::min(earliest, contact.retry_at);
  return earliest;
}

void ContactList::answered(const std::string& address) {
  for (Contact& contact : contacts_) {
    if (contact.address == address) contact.failures = 0;
  }
}

}  // namespace starling::protocol
