#include "optim/memory/copying.h"

namespace starling::optim {
namespace {

template <class Scalar>
class HatCopy final : public CopyingMemory<Scalar> {
 public:
  HatCopy(const Settings& /*settings*/, const typename Memory<Scalar>::Site& site)
      : CopyingMemory<Scalar>(site) {}
};

MemoryTraits traits(const Settings& /*settings*/) {
  return {.copies_peers = true, .learns_from_sending = true};
}

}  // namespace

extern constinit const MemoryEntry hat_copy_memory = make_entry<MemoryEntry, HatCopy>(
    {.id = 2,
     .name = "hat_copy",
     .meaning = "sends the vector's difference from its hat, of which all neighbours hold a copy",
     .source = "CHOCO-SGD, Koloskova et al. 2019"},
    traits);

}  // namespace starling::optim
