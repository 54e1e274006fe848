// starling export, eval: what to do with a merged model.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "model/safetensors.h"
#include "model/tasks.h"
#include "node/cli/command.h"
#include "node/runtime/file.h"

namespace starling::cli {
namespace {

Result<Bytes> read_result(const std::filesystem::path& path) {
  auto bytes = runtime::read_file(path);
  if (bytes) return bytes;
  return invalid_input(bytes.error().message + "; it is there once the final merge is over");
}

class ExportCommand final : public Command {
 public:
  std::string_view name() const override { return "export"; }
  std::string_view summary() const override {
    return "Take the merged model out of a node directory";
  }

  void add_options(CLI::App& app) override {
    app.add_option("DIR", directory_, "Node directory")->required();
    app.add_option("OUT.safetensors", model_file_, "File to write the model to")->required();
    app.add_option("--manifest", manifest_file_,
                   "File to write the merge's manifest to: members, weights, digests (JSON)");
    app.footer("Example:\n  starling export starling-run model.safetensors --manifest merge.json");
  }

  Result<void> run() override {
    const std::filesystem::path directory = directory_;
    const auto manifest = read_result(directory / "manifest.json");
    if (!manifest) return std::unexpected(manifest.error());
    const auto model = read_result(directory / "model.safetensors");
    if (!model) return std::unexpected(model.error());
    if (auto whole = model::decode_safetensors({model_file_, *model}); !whole) {
      return std::unexpected(whole.error());
    }
    if (auto written = runtime::write_atomically(model_file_, *model); !written) return written;
    if (manifest_file_.empty()) return {};
    return runtime::write_atomically(manifest_file_, *manifest);
  }

 private:
  std::string directory_;
  std::string model_file_;
  std::string manifest_file_;
};

class EvalCommand final : public Command {
 public:
  std::string_view name() const override { return "eval"; }
  std::string_view summary() const override { return "Measure a model on a task's test data"; }

  void add_options(CLI::App& app) override {
    std::string tasks = "Task that the model was trained on: ";
    for (const model::TaskDescription& task : model::describe_tasks()) {
      tasks += "\n" + std::string(task.name) + ": " + std::string(task.summary);
    }
    app.add_option("MODEL.safetensors", model_file_, "The model")->required();
    app.add_option("--task", task_, tasks)->required();
    app.add_option("--data", data_, "Data with test samples, as for starling join");
    app.add_option("--seed", seed_, "The run's seed, for tasks made from it")
        ->capture_default_str();
    app.add_option("--shift", shift_,
                   "The run's change of the data: invert:SHARE or rotate90:SHARE")
        ->capture_default_str();
    app.add_flag("--json", as_json_, "Print one JSON object");
    app.footer("Example:\n  starling eval model.safetensors --task fashion-mnist");
  }

  Result<void> run() override {
    const auto bytes = runtime::read_file(model_file_);
    if (!bytes) return invalid_input(bytes.error().message);
    const auto model = model::decode_safetensors({model_file_, *bytes});
    if (!model) return std::unexpected(model.error());
    model::TaskOptions options;
    options.data.path = data_;
    options.shard.seed = seed_;
    const auto shift = model::parse_shift_rule(shift_);
    if (!shift) return invalid_input("--" + shift.error().message);
    options.shift = *shift;
    auto task = model::make_task(task_, options);
    if (!task) return std::unexpected(task.error());
    if ((*task)->parameter_count() != model->parameters.size()) {
      return invalid_input(model_file_ + " has " + std::to_string(model->parameters.size()) +
                           " parameters, expected " + std::to_string((*task)->parameter_count()) +
                           " for task " + task_);
    }
    const auto quality = (*task)->evaluate(model->parameters);
    if (!quality) return invalid_input("task " + task_ + " has no test data");
    print(*quality);
    return {};
  }

 private:
  void print(const Evaluation& quality) const {
    if (as_json_) {
      const nlohmann::ordered_json json = {
          {"task", task_}, {"loss", quality.loss}, {"accuracy", quality.accuracy}};
      std::printf("%s\n", json.dump().c_str());
    } else {
      std::printf("loss %.4f, accuracy %.2f %%\n", quality.loss, quality.accuracy * 100);
    }
  }

  std::string model_file_;
  std::string task_;
  std::string data_;
  std::string shift_ = "none";
  std::uint64_t seed_ = 1;
  bool as_json_ = false;
};

}  // namespace

std::unique_ptr<Command> make_export_command() {
  return std::make_unique<ExportCommand>();
}

std::unique_ptr<Command> make_eval_command() {
  return std::make_unique<EvalCommand>();
}

}  // namespace starling::cli
