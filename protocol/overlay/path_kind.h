#pragma once
// By which path two nodes are linked, and what a node believes of its own address.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace starling::protocol {

/// The order is that of the attempts (SWARM: direct, mapped, reversed, punched, relayed), apart
/// from lan.
enum class PathKind : std::uint8_t {
  unknown,
  direct,    ///< Dialled where it said that it listens.
  mapped,    ///< Dialled at a port that its router opened for it.
  reversed,  ///< It was asked to dial, because it could not be dialled.
  punched,   ///< Both dialled each other at once, through their routers.
  relayed,   ///< Over a member that both are linked with.
  lan,       ///< Found by its beacon on the local network.
};

inline constexpr std::array<std::string_view, 7> path_kind_names = {
    "unknown", "direct", "mapped", "reversed", "punched", "relayed", "lan"};

[[nodiscard]] constexpr std::string_view name_of(PathKind path) {
  return path_kind_names[static_cast<std::size_t>(path)];
}

/// Whether others can dial a node, as it believes itself.
enum class Reach : std::uint8_t {
  unknown,
  open,        ///< A peer has dialled it, from nowhere that it had dialled before.
  mapped,      ///< Likewise, at a port that its router opened for it.
  behind_nat,  ///< Nobody who tried got through.
};

inline constexpr std::array<std::string_view, 4> reach_names = {"unknown", "public", "mapped",
                                                                "behind_nat"};

[[nodiscard]] constexpr std::string_view name_of(Reach reach) {
  return reach_names[static_cast<std::size_t>(reach)];
}

}  // namespace starling::protocol
