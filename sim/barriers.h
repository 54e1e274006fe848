#pragma once
// What stands between simulated nodes: routers that let nobody in who was not called, and walls
// between two that never reach each other.

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace starling::sim {

/// A household: its nodes reach each other, and everyone outside who is behind no router.
struct Router {
  std::vector<std::uint32_t> nodes;
  /// Every connection leaves from a port of its own, so that nobody can punch through.
  bool is_symmetric = false;
};

struct Barriers {
  std::vector<Router> routers;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> walls;

  [[nodiscard]] bool has_wall(std::uint32_t a, std::uint32_t b) const {
    return std::ranges::any_of(walls, [&](const auto& wall) {
      return wall == std::pair(a, b) || wall == std::pair(b, a);
    });
  }
  /// Null: it is behind none.
  [[nodiscard]] const Router* router_of(std::uint32_t node) const {
    const auto found = std::ranges::find_if(routers, [&](const Router& router) {
      return std::ranges::find(router.nodes, node) != router.nodes.end();
    });
    return found == routers.end() ? nullptr : &*found;
  }
  [[nodiscard]] bool can_dial(std::uint32_t from, std::uint32_t to) const {
    const Router* router = router_of(to);
    return !has_wall(from, to) && (router == nullptr || router == router_of(from));
  }
  /// Both dial at once.
  [[nodiscard]] bool can_punch(std::uint32_t a, std::uint32_t b) const {
    if (can_dial(a, b) || can_dial(b, a)) return !has_wall(a, b);
    const auto lets_through = [this](std::uint32_t node) {
      const Router* router = router_of(node);
      return router == nullptr || !router->is_symmetric;
    };
    return !has_wall(a, b) && lets_through(a) && lets_through(b);
  }
};

}  // namespace starling::sim
