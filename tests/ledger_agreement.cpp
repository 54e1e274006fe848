// ledger_agreement VECTORS: replays every case in every way with every kernel that this build and
// this processor have. For each prints a line "CASE WAY BYTES" and then the model as int32, little
// endian; ledger_agreement.py digests and compares them. Nothing but the C++ library is needed, so
// that it can be built for other processors.

#include <bit>
#include <iostream>

#include "tests/support/ledger_vectors.h"

namespace {

using namespace starling;

static_assert(std::endian::native == std::endian::little, "models are printed as they lie");

void print(std::size_t number, const std::string& way, const std::optional<testing::Grid>& grid) {
  if (!grid) return;
  const std::size_t bytes = grid->size() * sizeof(std::int32_t);
  std::cout << number << ' ' << way << ' ' << bytes << '\n';
  std::cout.write(reinterpret_cast<const char*>(grid->data()), static_cast<std::streamsize>(bytes));
}

void replay(std::size_t number, const testing::LedgerCase& of) {
  print(number, "definition", testing::replay_by_definition(of));
  for (const optim::LedgerKernels& kernels : optim::usable_kernels()) {
    const std::string name = kernels.name;
    print(number, name + "/tiles", testing::replay_by_tiles(of, kernels));
    print(number, name + "/naive", testing::replay_vote_by_vote(of, kernels));
    print(number, name + "/replica", testing::replay_by_replica(of, kernels));
  }
}

}  // namespace

int main(int, char** argv) {
  const auto cases = testing::read_ledger_cases(argv[1]);
  for (std::size_t i = 0; i < cases.size(); ++i) replay(i, cases[i]);
}
