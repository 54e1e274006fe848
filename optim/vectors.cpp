#include "optim/vectors.h"

#include <algorithm>
#include <utility>

#include "starling/check.h"

namespace starling::optim {
namespace {

template <class List>
[[nodiscard]] bool has_name(const List& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const auto& named) { return named.name == name; });
}

/// Every list is saved with its names, so that a state of another composition is told apart.
template <class List>
void save_names(ByteWriter& out, const List& list) {
  out.put(static_cast<std::uint64_t>(list.size()));
  for (const auto& named : list) out.put_all(std::span<const char>(named.name));
}

template <class List>
[[nodiscard]] bool names_match(ByteReader& in, const List& list) {
  if (in.get<std::uint64_t>() != list.size()) return false;
  return std::ranges::all_of(
      list, [&](const auto& named) { return std::ranges::equal(in.get_all<char>(), named.name); });
}

}  // namespace

template <class Scalar>
VectorId Vectors<Scalar>::add(std::string name) {
  return add(std::move(name), std::vector<Scalar>(length_));
}

template <class Scalar>
VectorId Vectors<Scalar>::add(std::string name, std::vector<Scalar> initial) {
  STARLING_CHECK(!contains(name) && initial.size() == length_);
  vectors_.push_back({std::move(name), std::move(initial)});
  return {vectors_.size() - 1};
}

template <class Scalar>
EdgeVectorsId Vectors<Scalar>::add_per_edge(std::string name) {
  STARLING_CHECK(!contains(name));
  edges_.push_back({std::move(name), {}});
  return {edges_.size() - 1};
}

template <class Scalar>
NumberId Vectors<Scalar>::add_number(std::string name, std::uint64_t initial) {
  STARLING_CHECK(!contains(name));
  numbers_.push_back({std::move(name), initial});
  return {numbers_.size() - 1};
}

template <class Scalar>
void Vectors<Scalar>::assign(VectorId id, std::span<const Scalar> values) {
  STARLING_CHECK(values.size() == length_);
  vectors_[id.index].values.assign(values.begin(), values.end());
}

template <class Scalar>
void Vectors<Scalar>::fill_zero(VectorId id) {
  vectors_[id.index].values.assign(length_, Scalar{0});
}

template <class Scalar>
void Vectors<Scalar>::release(VectorId id) {
  std::vector<Scalar>().swap(vectors_[id.index].values);
}

template <class Scalar>
bool Vectors<Scalar>::contains(std::string_view name) const {
  return has_name(vectors_, name) || has_name(edges_, name) || has_name(numbers_, name);
}

template <class Scalar>
void Vectors<Scalar>::save(ByteWriter& out) const {
  save_names(out, vectors_);
  save_names(out, edges_);
  save_names(out, numbers_);
  for (const auto& vector : vectors_) out.put_all(std::span<const Scalar>(vector.values));
  for (const auto& edge : edges_) out.put_map(edge.values);
  for (const auto& number : numbers_) out.put(number.values);
}

template <class Scalar>
bool Vectors<Scalar>::load(ByteReader& in) {
  if (!names_match(in, vectors_) || !names_match(in, edges_) || !names_match(in, numbers_)) {
    return false;
  }
  for (auto& vector : vectors_) {
    vector.values = in.get_all<Scalar>();
    if (!vector.values.empty() && vector.values.size() != length_) return false;
  }
  for (auto& edge : edges_) edge.values = in.get_map<Scalar>(length_);
  for (auto& number : numbers_) number.values = in.get<std::uint64_t>();
  return in.ok();
}

template class Vectors<float>;
template class Vectors<double>;

}  // namespace starling::optim
