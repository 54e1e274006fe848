#pragma once
// All that a method remembers: named vectors of the model's length, one for each edge where a part
// keeps something of every neighbour, and whole numbers. Parts keep the names' ids and nothing
// else, so that what is saved here is the whole state.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "optim/byte_io.h"
#include "starling/ids.h"

namespace starling::optim {

/// Opaque name of a neighbour; no part ever learns more about it.
using EdgeKey = NodeId;

struct VectorId {
  std::size_t index = 0;
};
struct EdgeVectorsId {
  std::size_t index = 0;
};
struct NumberId {
  std::size_t index = 0;
};

template <class Scalar>
class Vectors {
 public:
  using PerEdge = std::map<EdgeKey, std::vector<Scalar>>;

  /// length: of every vector.
  explicit Vectors(std::size_t length) : length_(length) {}

  [[nodiscard]] std::size_t length() const { return length_; }

  /// A name is taken once. Zeros, or `initial` of this length.
  VectorId add(std::string name);
  VectorId add(std::string name, std::vector<Scalar> initial);
  EdgeVectorsId add_per_edge(std::string name);
  NumberId add_number(std::string name, std::uint64_t initial = 0);

  /// Empty after release().
  [[nodiscard]] std::span<Scalar> at(VectorId id) { return vectors_[id.index].values; }
  [[nodiscard]] std::span<const Scalar> at(VectorId id) const { return vectors_[id.index].values; }
  /// Overwrites the vector, also a released one.
  void assign(VectorId id, std::span<const Scalar> values);
  void fill_zero(VectorId id);
  /// Frees the vector's memory.
  void release(VectorId id);

  [[nodiscard]] PerEdge& per_edge(EdgeVectorsId id) { return edges_[id.index].values; }
  [[nodiscard]] const PerEdge& per_edge(EdgeVectorsId id) const { return edges_[id.index].values; }
  /// The edge's vector; zeros at first.
  [[nodiscard]] std::span<Scalar> at(EdgeVectorsId id, const EdgeKey& edge) {
    return per_edge(id).try_emplace(edge, length_).first->second;
  }

  [[nodiscard]] std::uint64_t number(NumberId id) const { return numbers_[id.index].values; }
  void set_number(NumberId id, std::uint64_t value) { numbers_[id.index].values = value; }

  [[nodiscard]] bool contains(std::string_view name) const;

  void save(ByteWriter& out) const;
  /// False if the bytes were not saved by vectors of these names and this length; the object is
  /// then in no particular state.
  [[nodiscard]] bool load(ByteReader& in);

 private:
  template <class Values>
  struct Named {
    std::string name;
    Values values;
  };

  std::size_t length_;
  std::vector<Named<std::vector<Scalar>>> vectors_;
  std::vector<Named<PerEdge>> edges_;
  std::vector<Named<std::uint64_t>> numbers_;
};

extern template class Vectors<float>;
extern template class Vectors<double>;

}  // namespace starling::optim
