#include "node/cli/testnet_table.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "node/cli/progress.h"
#include "node/cli/terminal.h"
#include "node/runtime/platform.h"

namespace starling::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration redraw_interval = 200ms;
constexpr std::size_t bar_cells = 40;

std::string number_or_dash(const char* format, double value) {
  if (std::isnan(value)) return "-";
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string row(std::size_t index, const NodeWatch& node) {
  std::array<char, 128> line;
  std::snprintf(line.data(), line.size(), "%4zu  %s %7llu %8s %9s %10zu %9s  %s\n", index,
                node.record.id.short_text().c_str(), static_cast<unsigned long long>(node.step),
                number_or_dash("%.4f", node.loss).c_str(),
                number_or_dash("%.2f %%", node.accuracy * 100).c_str(), node.neighbour_count,
                bytes_text(node.record.bytes_sent).c_str(), node.phase.c_str());
  return line.data();
}

/// Mean over the nodes that live, in [0, 1].
double share_done(std::span<const NodeWatch> nodes, Step steps) {
  double sum = 0;
  double living = 0;
  for (const NodeWatch& node : nodes) {
    if (node.phase == "killed") continue;
    sum += static_cast<double>(std::min(node.step, steps)) / static_cast<double>(steps);
    ++living;
  }
  return living > 0 ? sum / living : 0;
}

std::string bar(double share) {
  const auto full = static_cast<std::size_t>(share * bar_cells);
  std::string cells;
  for (std::size_t i = 0; i < bar_cells; ++i) cells += i < full ? "█" : "░";
  return cells + " " + number_or_dash("%3.0f %%", share * 100) + "\n";
}

}  // namespace

std::string swarm_table(std::span<const NodeWatch> nodes, Step steps) {
  std::string text = "node  id          step     loss  accuracy neighbours      sent  phase\n";
  for (std::size_t i = 0; i < nodes.size(); ++i) text += row(i, nodes[i]);
  return text + bar(share_done(nodes, steps));
}

LiveTable::LiveTable(std::FILE* out, Step steps)
    : out_(out), steps_(steps), is_terminal_(can_rewrite_lines(out)) {}

void LiveTable::show(std::span<const NodeWatch> nodes) {
  if (!is_terminal_) return print_line(nodes);
  const Instant now = runtime::monotonic_now();
  if (lines_drawn_ > 0 && now - drawn_at_ < redraw_interval) return;
  drawn_at_ = now;
  redraw(nodes);
}

void LiveTable::redraw(std::span<const NodeWatch> nodes) {
  // Up to the first line, then erase to the end of the screen (ECMA-48: CPL, ED).
  if (lines_drawn_ > 0) std::fprintf(out_, "\x1b[%zuF\x1b[J", lines_drawn_);
  // A line that wraps would count as two when the cursor goes back.
  const std::size_t columns = columns_of(out_) - 1;
  lines_drawn_ = 0;
  std::istringstream table(swarm_table(nodes, steps_));
  for (std::string line; std::getline(table, line); ++lines_drawn_) {
    std::fprintf(out_, "%s\n", cut_to(line, columns).c_str());
  }
  std::fflush(out_);
}

void LiveTable::print_line(std::span<const NodeWatch> nodes) {
  const auto tenths = static_cast<Step>(share_done(nodes, steps_) * 10);
  if (tenths <= tenths_printed_) return;
  tenths_printed_ = tenths;
  std::uint64_t bytes = 0;
  for (const NodeWatch& node : nodes) bytes += node.record.bytes_sent;
  std::fprintf(out_, "%3llu %% of %llu steps, %zu nodes, %s sent\n",
               static_cast<unsigned long long>(tenths) * 10,
               static_cast<unsigned long long>(steps_), nodes.size(), bytes_text(bytes).c_str());
  std::fflush(out_);
}

void LiveTable::finish(std::span<const NodeWatch> nodes) {
  if (is_terminal_) redraw(nodes);
}

}  // namespace starling::cli
