#include <algorithm>

#include "optim/memory/copying.h"

namespace starling::optim {
namespace {

// The payload is C(eta e + x - h); sender and receivers add it to their copies of h, and
// e <- e + x - h is what the copies lack, summed up. With eta 0 this is EF21, which is what hat
// copies are on the lane of the parameters; above, EControl sends a share of the sum again.
template <class Scalar>
class Ef21 final : public CopyingMemory<Scalar> {
 public:
  Ef21(const Settings& settings, const typename Memory<Scalar>::Site& site)
      : CopyingMemory<Scalar>(site),
        vectors_(site.vectors),
        error_(vectors_.add(site.lane + ".error_sum")),
        eta_(static_cast<Scalar>(settings.real("eta"))) {}

  void before_encode(const Block& block, std::span<const Scalar> values,
                     std::span<Scalar> out) const override {
    CopyingMemory<Scalar>::before_encode(block, values, out);
    const auto error = at_block(vectors_.at(error_), block);
    std::ranges::transform(out, error, out.begin(),
                           [this](Scalar gap, Scalar sum) { return gap + eta_ * sum; });
  }

  void after_encode(const Block& block, std::span<const Scalar> sent,
                    std::span<const Scalar> decoded) override {
    CopyingMemory<Scalar>::after_encode(block, sent, decoded);
    const auto error = at_block(vectors_.at(error_), block);
    for (std::size_t i = 0; i < error.size(); ++i) {
      error[i] += (sent[i] - eta_ * error[i]) - decoded[i];
    }
  }

  void restart(std::span<const Scalar> values) override {
    CopyingMemory<Scalar>::restart(values);
    vectors_.fill_zero(error_);
  }

 private:
  Vectors<Scalar>& vectors_;
  VectorId error_;
  Scalar eta_;
};

constexpr Field fields[] = {
    real_field("eta", {0, 1}, 0, "share of the summed error that is sent again; 0: EF21")};

MemoryTraits traits(const Settings& /*settings*/) {
  return {.copies_peers = true, .learns_from_sending = true};
}

}  // namespace

extern constinit const MemoryEntry ef21_memory = make_entry<MemoryEntry, Ef21>(
    {.id = 4,
     .name = "ef21",
     .meaning = "as hat_copy, and sends a share eta of what the copies have lacked so far again",
     .source = "EF21, Richtarik et al. 2021; with eta EControl, Gao et al. 2024",
     .fields = fields},
    traits);

}  // namespace starling::optim
