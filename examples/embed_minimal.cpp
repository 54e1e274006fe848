// Two nodes in one program: each knows its own objective, both end with the model for their sum.
#include <starling/node.h>

#include <cstdio>

using namespace starling;

class Bowl final : public Task {  // f(x) = (x - target)^2 / 2: your model and data go here
 public:
  explicit Bowl(float target) : target_(target) {}
  std::size_t parameter_count() const override { return 1; }
  bool has_gradient() const override { return true; }
  double loss(std::span<const float> x, const BatchKey&) override {
    return 0.5 * (x[0] - target_) * (x[0] - target_);
  }
  double gradient(std::span<const float> x, const BatchKey& key, std::span<float> out) override {
    out[0] = x[0] - target_;
    return loss(x, key);
  }
  const float target_;
};

Digest train(Node& node) {
  Digest model;
  while (const auto event = node.wait_event(std::chrono::minutes(1)))
    if (const auto* merged = std::get_if<Merged>(&*event)) model = merged->manifest.model;
  return model;
}

int main() {
  auto owner = Node::create({.recipe = "dsgd", .steps = 300}, std::make_unique<Bowl>(1.0F));
  if (!owner) return std::puts(owner.error().message.c_str()), 1;
  auto guest = Node::join(owner->ticket(), std::make_unique<Bowl>(3.0F));
  if (!guest) return std::puts(guest.error().message.c_str()), 1;
  const bool agree = train(*owner) == train(*guest);
  for (const float x : owner->parameters()) std::printf("x = %.3f\n", x);
  return std::puts(agree ? "merged digests agree" : "merged digests differ"), agree ? 0 : 1;
}
