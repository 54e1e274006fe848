#include "node/cli/report_topology.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <set>
#include <utility>

#include "node/cli/report_text.h"

namespace starling::cli {
namespace {

constexpr double size = 440;
constexpr double orbit = 166;
constexpr double node_radius_max = 30;
constexpr double node_radius_min = 4;
// Paul Tol's "muted" scheme, made for colour-blind readers, has ten colours; they repeat.
constexpr std::size_t colours = 10;

struct Spot {
  double x = 0;
  double y = 0;
};

Spot around(Spot centre, double radius, double turn) {
  const double angle = (turn - 0.25) * 2 * std::numbers::pi;  // starts at twelve o'clock
  return {centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)};
}

std::string spot_text(Spot spot) {
  return svg_number(spot.x) + " " + svg_number(spot.y);
}

std::uint64_t total_labels(const NodeRecord& node) {
  return std::accumulate(node.label_counts.begin(), node.label_counts.end(), std::uint64_t{0});
}

std::string colour_class(std::size_t label) {
  return "label" + std::to_string(label % colours);
}

class Picture {
 public:
  explicit Picture(std::span<const NodeRecord> nodes) : nodes_(nodes) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      index_[nodes[i].id] = i;
      samples_max_ = std::max(samples_max_, nodes[i].samples_held);
    }
  }

  [[nodiscard]] std::string edges() const {
    std::set<std::pair<std::size_t, std::size_t>> pairs;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      for (const NodeId& id : nodes_[i].neighbours) {
        const auto found = index_.find(id);
        if (found != index_.end() && found->second != i) {
          pairs.insert(std::minmax(i, found->second));
        }
      }
    }
    std::string out;
    for (const auto& [a, b] : pairs) out += edge(a, b);
    return out;
  }

  [[nodiscard]] std::string node(std::size_t i) const {
    const NodeRecord& node = nodes_[i];
    const std::string name = std::to_string(i + 1);
    const Spot at = spot(i);
    const Spot label = around(centre, orbit + room() + 13, turn(i));
    return "<g class=\"bird" + std::string(broke_off(node) ? " gone" : "") + "\" data-node=\"" +
           name + "\"><title>node " + name + " · " + node.id.short_text() + " · " +
           count_text(node.samples_held) + " samples · " + escaped(node.fate) +
           "</title><circle class=\"body\" cx=\"" + svg_number(at.x) + "\" cy=\"" +
           svg_number(at.y) + "\" r=\"" + svg_number(radius(node)) + "\"/>" + ring(node, at) +
           "<text class=\"middle\" x=\"" + svg_number(label.x) + "\" y=\"" +
           svg_number(label.y + 4) + "\">" + name + "</text></g>";
  }

 private:
  static constexpr Spot centre{size / 2, size / 2};

  [[nodiscard]] double turn(std::size_t i) const {
    return static_cast<double>(i) / static_cast<double>(nodes_.size());
  }
  [[nodiscard]] Spot spot(std::size_t i) const { return around(centre, orbit, turn(i)); }

  /// The largest radius at which neighbours on the circle do not touch.
  [[nodiscard]] double room() const {
    const double half_gap = std::numbers::pi * orbit / static_cast<double>(nodes_.size());
    return std::min(node_radius_max, 0.85 * half_gap);
  }
  [[nodiscard]] double radius(const NodeRecord& node) const {
    if (samples_max_ == 0) return room() / 2;
    const double share = static_cast<double>(node.samples_held) / static_cast<double>(samples_max_);
    return std::max(node_radius_min, room() * std::sqrt(share));
  }

  /// Bent towards the centre, so that edges along the circle stay apart from the nodes.
  [[nodiscard]] std::string edge(std::size_t a, std::size_t b) const {
    const Spot from = spot(a);
    const Spot to = spot(b);
    const Spot bend{centre.x + 0.3 * (from.x + to.x - 2 * centre.x),
                    centre.y + 0.3 * (from.y + to.y - 2 * centre.y)};
    return "<path class=\"edge\" data-ends=\"" + std::to_string(a + 1) + " " +
           std::to_string(b + 1) + "\" d=\"M" + spot_text(from) + " Q" + spot_text(bend) + " " +
           spot_text(to) + "\"/>";
  }

  /// Dashes of one circle per label, by the trick that pathLength 1 makes dashes into shares.
  [[nodiscard]] std::string ring(const NodeRecord& node, Spot at) const {
    const auto total = static_cast<double>(total_labels(node));
    const double stroke = radius(node) * 0.42;
    double begin = 0;
    std::string out;
    for (std::size_t label = 0; label < node.label_counts.size(); ++label) {
      if (node.label_counts[label] == 0) continue;
      const double share = static_cast<double>(node.label_counts[label]) / total;
      out += "<circle class=\"ring " + colour_class(label) + "\" cx=\"" + svg_number(at.x) +
             "\" cy=\"" + svg_number(at.y) + "\" r=\"" + svg_number(radius(node) - stroke / 2) +
             "\" stroke-width=\"" + svg_number(stroke) + "\" pathLength=\"1\" stroke-dasharray=\"" +
             fixed_text(share, 4) + " 1\" stroke-dashoffset=\"" + fixed_text(-begin, 4) + "\"/>";
      begin += share;
    }
    return out;
  }

  std::span<const NodeRecord> nodes_;
  std::map<NodeId, std::size_t> index_;
  std::uint64_t samples_max_ = 0;
};

}  // namespace

bool broke_off(const NodeRecord& node) {
  return node.fate == "killed" || node.fate == "failed";
}

std::string render_topology(std::span<const NodeRecord> nodes) {
  const Picture picture(nodes);
  std::string out = "<svg class=\"topology\" role=\"img\" aria-label=\"Topology\" viewBox=\"0 0 " +
                    fixed_text(size, 0) + " " + fixed_text(size, 0) +
                    "\"><desc>Nodes on a circle, joined to their neighbours; the table of nodes "
                    "gives the same figures.</desc>" +
                    picture.edges();
  for (std::size_t i = 0; i < nodes.size(); ++i) out += picture.node(i);
  return out + "</svg>";
}

std::string render_label_bar(const NodeRecord& node) {
  const std::uint64_t total = total_labels(node);
  if (total == 0) return "";
  std::string out = "<span class=\"labels\">";
  for (std::size_t label = 0; label < node.label_counts.size(); ++label) {
    const std::uint64_t count = node.label_counts[label];
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(total);
    out += "<i class=\"" + colour_class(label) + "\" style=\"width:" + fixed_text(share * 100, 2) +
           "%\" title=\"label " + std::to_string(label) + ": " + count_text(count) + "\"></i>";
  }
  return out + "</span>";
}

std::string render_label_legend(std::span<const NodeRecord> nodes) {
  std::size_t labels = 0;
  for (const NodeRecord& node : nodes) labels = std::max(labels, node.label_counts.size());
  if (labels == 0) return "";
  std::string out = "<p class=\"legend\"><span>label</span>";
  for (std::size_t label = 0; label < labels; ++label) {
    out += "<span><i class=\"swatch " + colour_class(label) + "\"></i>" + std::to_string(label) +
           "</span>";
  }
  return out + "</p>";
}

}  // namespace starling::cli
