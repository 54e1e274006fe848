#pragma once
// A line chart as inline SVG.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace starling::cli {

enum class Scale { linear, logarithmic };

struct ChartAxis {
  std::string title;            ///< With its unit; not drawn if empty.
  std::string (*text)(double);  ///< A tick's label.
  Scale scale = Scale::linear;
};

struct ChartPoint {
  double x = 0;
  double y = 0;
};

struct ChartLine {
  std::string title;                ///< Shown while the pointer rests on the line.
  std::string css_class;            ///< Says how it is drawn: see report_style.cpp.
  std::optional<std::size_t> node;  ///< Lit together with this node elsewhere on the page.
  std::vector<ChartPoint> points;
};

struct Chart {
  std::string title;
  std::string description;  ///< For readers who do not see the picture.
  ChartAxis x;
  ChartAxis y;
  std::vector<ChartLine> lines;
  std::vector<ChartPoint> merged;  ///< Drawn as large dots.
  std::optional<double> central;   ///< Drawn as a horizontal line.
};

/// An SVG element. Points that are not finite, or not positive on a logarithmic axis, are left out.
[[nodiscard]] std::string render_chart(const Chart& chart);

}  // namespace starling::cli
