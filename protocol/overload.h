#pragma once
// A visitor made of lambdas: std::visit with it does not compile unless each alternative has one.

namespace starling::protocol {

template <class... Kinds>
struct Overload : Kinds... {
  using Kinds::operator()...;
};

}  // namespace starling::protocol
