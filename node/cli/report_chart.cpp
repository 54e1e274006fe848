#include "node/cli/report_chart.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "node/cli/report_text.h"

namespace starling::cli {
namespace {

// In SVG units; the page scales the picture to its column.
constexpr double width = 440;
constexpr double height = 262;
constexpr double left = 46;
constexpr double right = 26;
constexpr double top = 10;
constexpr double bottom = 42;
constexpr int ticks_max = 6;
// More points than a column has pixels only make the page heavier.
constexpr std::size_t points_max = 240;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void include(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool drawable(double value, Scale scale) {
  return std::isfinite(value) && (scale == Scale::linear || value > 0);
}

/// 1, 2 or 5 times a power of ten, such that `span` holds at most ticks_max of them.
double tick_step(double span) {
  const double raw = span / ticks_max;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) return factor * power;
  }
  return 10 * power;
}

std::vector<double> linear_ticks(const Range& range) {
  const double step = tick_step(range.high - range.low);
  std::vector<double> ticks;
  const auto first = static_cast<long long>(std::ceil(range.low / step - 1e-9));
  for (int i = 0; i <= ticks_max; ++i) {
    const double tick = static_cast<double>(first + i) * step;
    if (tick <= range.high + step * 1e-9) ticks.push_back(tick);
  }
  return ticks;
}

std::vector<double> logarithmic_ticks(const Range& range) {
  const double decades = std::log10(range.high / range.low);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / ticks_max)));
  const std::vector<double> factors =
      decades > 2 ? std::vector<double>{1} : std::vector<double>{1, 2, 5};
  std::vector<double> ticks;
  const auto decade = [](double value) { return static_cast<int>(std::floor(std::log10(value))); };
  for (int power = decade(range.low); power <= decade(range.high); power += stride) {
    for (const double factor : factors) {
      const double tick = factor * std::pow(10, power);
      if (tick >= range.low && tick <= range.high) ticks.push_back(tick);
    }
  }
  return ticks;
}

/// Maps one axis' values to SVG units.
class Mapping {
 public:
  Mapping(ChartAxis axis, Range values, double from, double to)
      : axis_(std::move(axis)), range_(widened(values, axis_.scale)), from_(from), to_(to) {}

  [[nodiscard]] double operator()(double value) const {
    return from_ + (to_ - from_) * (bent(value) - bent(range_.low)) /
                       (bent(range_.high) - bent(range_.low));
  }
  [[nodiscard]] std::vector<double> ticks() const {
    return axis_.scale == Scale::linear ? linear_ticks(range_) : logarithmic_ticks(range_);
  }
  [[nodiscard]] const ChartAxis& axis() const { return axis_; }

 private:
  [[nodiscard]] double bent(double value) const {
    return axis_.scale == Scale::linear ? value : std::log10(value);
  }
  /// Never empty, and with room for at least two ticks.
  static Range widened(Range range, Scale scale) {
    if (range.low > range.high) return {1, 10};
    if (scale == Scale::logarithmic) {
      const double pad = range.high / range.low < 8 ? 2.5 : 1.05;
      return {range.low / pad, range.high * pad};
    }
    if (range.high - range.low <= 1e-9 * std::abs(range.high)) return {range.low, range.high + 1};
    return range;
  }

  ChartAxis axis_;
  Range range_;
  double from_;
  double to_;
};

Mapping horizontal(const Chart& chart) {
  Range range;
  const auto include = [&](const ChartPoint& point) {
    if (drawable(point.x, chart.x.scale) && std::isfinite(point.y)) range.include(point.x);
  };
  for (const ChartLine& line : chart.lines) std::ranges::for_each(line.points, include);
  std::ranges::for_each(chart.merged, include);
  return {chart.x, range, left, width - right};
}

Mapping vertical(const Chart& chart) {
  Range range;
  const auto include = [&](const ChartPoint& point) {
    if (drawable(point.x, chart.x.scale) && std::isfinite(point.y)) range.include(point.y);
  };
  for (const ChartLine& line : chart.lines) std::ranges::for_each(line.points, include);
  std::ranges::for_each(chart.merged, include);
  if (chart.central) range.include(*chart.central);
  const double margin = range.low <= range.high ? 0.05 * (range.high - range.low) : 0;
  return {chart.y, {range.low - margin, range.high + margin}, height - bottom, top};
}

std::string grid(const Mapping& x, const Mapping& y) {
  std::string out = "<g class=\"grid\">";
  for (const double tick : y.ticks()) {
    out += "<line x1=\"" + svg_number(left) + "\" x2=\"" + svg_number(width - right) + "\" y1=\"" +
           svg_number(y(tick)) + "\" y2=\"" + svg_number(y(tick)) + "\"/><text class=\"end\" x=\"" +
           svg_number(left - 7) + "\" y=\"" + svg_number(y(tick) + 4) + "\">" +
           escaped(y.axis().text(tick)) + "</text>";
  }
  const double floor = height - bottom;
  for (const double tick : x.ticks()) {
    out += "<line class=\"tick\" x1=\"" + svg_number(x(tick)) + "\" x2=\"" + svg_number(x(tick)) +
           "\" y1=\"" + svg_number(floor) + "\" y2=\"" + svg_number(floor + 4) +
           "\"/><text class=\"middle\" x=\"" + svg_number(x(tick)) + "\" y=\"" +
           svg_number(floor + 17) + "\">" + escaped(x.axis().text(tick)) + "</text>";
  }
  return out + "<text class=\"middle title\" x=\"" + svg_number((left + width - right) / 2) +
         "\" y=\"" + svg_number(height - 5) + "\">" + escaped(x.axis().title) + "</text></g>";
}

std::string polyline(const ChartLine& line, const Mapping& x, const Mapping& y) {
  std::vector<ChartPoint> shown;
  std::ranges::copy_if(line.points, std::back_inserter(shown), [&](const ChartPoint& point) {
    return drawable(point.x, x.axis().scale) && std::isfinite(point.y);
  });
  if (shown.empty()) return "";
  const std::size_t stride = shown.size() / points_max + 1;
  std::string points;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i % stride != 0 && i + 1 != shown.size()) continue;
    points += svg_number(x(shown[i].x)) + "," + svg_number(y(shown[i].y)) + " ";
  }
  const std::string node = line.node ? " data-node=\"" + std::to_string(*line.node + 1) + "\"" : "";
  return "<polyline class=\"" + line.css_class + "\"" + node + " points=\"" + points +
         "\"><title>" + escaped(line.title) + "</title></polyline>";
}

std::string central_line(double value, const Mapping& y) {
  const std::string at = svg_number(y(value));
  return "<line class=\"central\" x1=\"" + svg_number(left) + "\" x2=\"" +
         svg_number(width - right) + "\" y1=\"" + at + "\" y2=\"" + at + "\"><title>central " +
         percent_text(value) + "</title></line>";
}

std::string merged_dot(const ChartPoint& point, const Mapping& x, const Mapping& y) {
  return "<circle class=\"merged\" r=\"5\" cx=\"" + svg_number(x(point.x)) + "\" cy=\"" +
         svg_number(y(point.y)) + "\"><title>merged " + percent_text(point.y) + "</title></circle>";
}

}  // namespace

std::string render_chart(const Chart& chart) {
  const Mapping x = horizontal(chart);
  const Mapping y = vertical(chart);
  std::string out = "<svg class=\"chart\" role=\"img\" aria-label=\"" + escaped(chart.title) +
                    "\" viewBox=\"0 0 " + fixed_text(width, 0) + " " + fixed_text(height, 0) +
                    "\"><desc>" + escaped(chart.description) + "</desc>" + grid(x, y);
  if (chart.central) out += central_line(*chart.central, y);
  for (const ChartLine& line : chart.lines) out += polyline(line, x, y);
  for (const ChartPoint& point : chart.merged) {
    if (drawable(point.x, chart.x.scale) && std::isfinite(point.y)) out += merged_dot(point, x, y);
  }
  return out + "</svg>";
}

}  // namespace starling::cli
