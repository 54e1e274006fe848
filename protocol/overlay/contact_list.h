#pragma once
// Addresses without a name: those of a ticket, whose owner is known only once it has answered.

#include <string>
#include <vector>

#include "protocol/effects.h"
#include "starling/instant.h"

namespace starling::protocol {

class ContactList {
 public:
  /// interval_scale: as in MembershipOptions.
  explicit ContactList(double interval_scale) : interval_scale_(interval_scale) {}

  /// May be dialled from now on. Ignored: one that is known, one that nobody can have, and more
  /// than limits::contacts_max.
  /// path: what a link to it is called.
  void add(const std::string& address, Instant now, PathKind path = PathKind::direct);
  void remove(const std::string& address);

  /// Dials those whose pause is over, all at once: any of them leads into the swarm.
  void dial_due(Instant now, Effects& effects);
  /// Dials those that have never been: what one contact's silence costs, the next need not pay.
  void dial_untried(Instant now, Effects& effects);
  /// The pauses grow with every failure (redial_delay()).
  void dial_failed(const std::string& address, Instant now);
  /// When dial_due() has something to do; never, if there is no contact.
  [[nodiscard]] Instant next_due() const;
  /// Clears the failures.
  void answered(const std::string& address);

 private:
  struct Contact {
    std::string address;
    PathKind path = PathKind::direct;
    bool is_tried = false;
    int failures = 0;
    Instant retry_at;
  };

  void dial(Contact& contact, Instant now, Effects& effects) const;

  double interval_scale_;
  std::vector<Contact> contacts_;
};

}  // namespace starling::protocol
