#pragma once
// Times of Google Benchmark's runs by name, for the one JSON object at the end of a program.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace starling::bench {

/// The usual table on standard error, and time by name, in nanoseconds an iteration: of the
/// processor, because other programs must not count, or elapsed where a benchmark is named so. Of
/// repetitions the fastest counts.
class Collector : public benchmark::ConsoleReporter {
 public:
  Collector() : ConsoleReporter(OO_Tabular) {
    SetOutputStream(&std::cerr);
    SetErrorStream(&std::cerr);
  }

  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration) continue;
      const std::string name = run.run_name.str();
      const double time =
          name.ends_with("real_time") ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime();
      const auto known = nanoseconds.find(name);
      nanoseconds[name] = known == nanoseconds.end() ? time : std::min(known->second, time);
    }
    ConsoleReporter::ReportRuns(runs);
  }

  std::map<std::string, double> nanoseconds;
};

}  // namespace starling::bench
