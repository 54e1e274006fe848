#include "optim/correction/correction.h"

namespace starling::optim {
namespace {

template <class Scalar>
class None final : public Correction<Scalar> {
 public:
  None(const Settings& /*settings*/, const typename Correction<Scalar>::Site& /*site*/) {}
};

CorrectionTraits traits(const Settings& /*settings*/) {
  return {};
}

}  // namespace

extern constinit const CorrectionEntry no_correction = make_entry<CorrectionEntry, None>(
    {.id = 0, .name = "none", .meaning = "steps along the node's own gradient"}, traits);

}  // namespace starling::optim
