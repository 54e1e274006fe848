#include "optim/ledger/projection.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "optim/ledger/naive_sum.h"
#include "tests/unit/optim/ledger_support.h"

namespace starling::optim {
namespace {

constexpr std::size_t size = 7850;  // softmax on 28 x 28 pixels, 10 classes: no power of two

std::vector<float> random_gradient() {
  Rng rng(3);
  std::vector<float> gradient(size);
  for (float& value : gradient) value = static_cast<float>(rng.normal());
  return gradient;
}

/// By the definition of a direction.
double inner_product(const PhiloxKey& signs, std::uint32_t row, std::span<const float> gradient) {
  std::vector<std::int32_t> z(gradient.size());
  add_vote_naive(signs, {row, 0U - 1U}, z);
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) sum += z[i] * static_cast<double>(gradient[i]);
  return sum;
}

TEST(Projection, EqualsTheInnerProductWithTheDirectionOfEveryRow) {
  const std::vector<float> gradient = random_gradient();
  const PhiloxKey signs = step_keys(test::id_of<RunId>(1), 5).signs;
  for (const std::uint32_t rows : {1U, 2U, 64U, 8192U}) {
    const std::vector<double> products = project_on_rows(signs, rows, gradient);
    ASSERT_EQ(products.size(), rows);
    for (std::uint32_t row = 0; row < rows; row += 1 + rows / 50) {
      EXPECT_NEAR(products[row], inner_product(signs, row, gradient), 1e-9) << row << "/" << rows;
    }
  }
}

}  // namespace
}  // namespace starling::optim
