#include "model/data_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include "model/idx.h"

namespace starling::model {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = std::size_t{1} << 20U;

std::unexpected<Error> too_large(const fs::path& path, std::size_t bytes_max) {
  return invalid_input(path.string() + ": larger than " + std::to_string(bytes_max) +
                       " bytes, the most allowed");
}

Result<Bytes> read_file(const fs::path& path, std::size_t bytes_max) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error) return invalid_input(path.string() + ": cannot read: " + error.message());
  if (size > bytes_max) return too_large(path, bytes_max);
  std::ifstream file(path, std::ios::binary);
  if (!file) return invalid_input(path.string() + ": cannot read: " + std::strerror(errno));
  Bytes bytes(size);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::size_t>(file.gcount()) != size) {
    return invalid_input(path.string() + ": read " + std::to_string(file.gcount()) +
                         " bytes, expected " + std::to_string(size));
  }
  return bytes;
}

bool is_gzip(ByteSpan bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;  // RFC 1952, section 2.3.1
}

class Inflater {
 public:
  explicit Inflater(ByteSpan packed) {
    constexpr int gzip_window = 15 + 16;  // zlib.h: the largest window; + 16 expects gzip
    ok_ = inflateInit2(&stream_, gzip_window) == Z_OK;
    stream_.next_in = const_cast<Bytef*>(packed.data());  // zlib's C interface; it only reads
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// The next part of the content, empty at its end; nothing if the stream is broken.
  std::optional<ByteSpan> next() {
    if (!ok_) return std::nullopt;
    stream_.next_out = chunk_.data();
    stream_.avail_out = static_cast<uInt>(chunk_.size());
    while (!done_ && stream_.avail_out > 0) {
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status != Z_OK && status != Z_STREAM_END) return std::nullopt;
      done_ = status == Z_STREAM_END;
    }
    return ByteSpan(chunk_).first(chunk_.size() - stream_.avail_out);
  }

 private:
  z_stream stream_{};
  Bytes chunk_ = Bytes(chunk_bytes);
  bool ok_ = false;
  bool done_ = false;
};

Result<Bytes> gunzip(const fs::path& path, ByteSpan packed, std::size_t bytes_max) {
  Inflater inflater(packed);
  Bytes content;
  while (true) {
    const auto chunk = inflater.next();
    if (!chunk) {
      return invalid_input(path.string() + ": broken or truncated gzip after " +
                           std::to_string(content.size()) + " bytes of content");
    }
    if (chunk->empty()) return content;
    if (content.size() + chunk->size() > bytes_max) return too_large(path, bytes_max);
    content.insert(content.end(), chunk->begin(), chunk->end());
  }
}

/// `stem` or `stem`.gz in `folder`, whichever exists.
std::optional<fs::path> find_file(const fs::path& folder, const std::string& stem) {
  for (const char* suffix : {"", ".gz"}) {
    fs::path path = folder / (stem + suffix);
    if (fs::exists(path)) return path;
  }
  return std::nullopt;
}

Result<Dataset> load_idx(const fs::path& folder, const std::string& part,
                         const RowSelector& select) {
  const auto image_path = find_file(folder, part + "-images-idx3-ubyte");
  const auto label_path = find_file(folder, part + "-labels-idx1-ubyte");
  if (!image_path || !label_path) {
    return invalid_input(folder.string() + ": no " + part +
                         (image_path ? "-labels-idx1" : "-images-idx3") + "-ubyte or -ubyte.gz");
  }
  const auto images = read_data_file(*image_path);
  if (!images) return std::unexpected(images.error());
  const auto labels = read_data_file(*label_path);
  if (!labels) return std::unexpected(labels.error());
  return decode_idx({image_path->native(), *images}, {label_path->native(), *labels}, select);
}

Result<Dataset> load_text(const fs::path& path, DataFormat format, LabelColumn label) {
  const auto bytes = read_data_file(path);
  if (!bytes) return std::unexpected(bytes.error());
  const NamedBytes file{path.native(), *bytes};
  return format == DataFormat::csv ? parse_csv(file, label) : parse_libsvm(file);
}

Result<SplitDataset> load_text_folder(const DataSource& source, DataFormat format) {
  const std::string extension = format == DataFormat::csv ? ".csv" : ".libsvm";
  SplitDataset split;
  for (auto [name, part] : {std::pair{"train", &split.train}, {"test", &split.test}}) {
    const auto path = find_file(source.path, name + extension);
    if (!path) return invalid_input(source.path.string() + ": no " + name + extension + "[.gz]");
    auto data = load_text(*path, format, source.label_column);
    if (!data) return std::unexpected(data.error());
    *part = std::move(*data);
  }
  return split;
}

Result<SplitDataset> load_text_file(const DataSource& source, DataFormat format) {
  const auto data = load_text(source.path, format, source.label_column);
  if (!data) return std::unexpected(data.error());
  if (data->size() < 2) {
    return invalid_input(source.path.string() +
                         ": 1 sample, expected at least 2 (every tenth is "
                         "held out for testing)");
  }
  return hold_out_tenth(*data);
}

DataFormat guess_format(const fs::path& path) {
  if (fs::is_directory(path)) {
    if (find_file(path, "train.csv")) return DataFormat::csv;
    if (find_file(path, "train.libsvm")) return DataFormat::libsvm;
    return DataFormat::idx;
  }
  const fs::path bare = path.extension() == ".gz" ? path.stem() : path;
  if (bare.extension() == ".csv") return DataFormat::csv;
  if (bare.extension() == ".libsvm" || bare.extension() == ".svm") return DataFormat::libsvm;
  return DataFormat::automatic;
}

Result<SplitDataset> load_whole(const DataSource& source, const RowSelector& select) {
  const fs::path& path = source.path;
  if (!fs::exists(path)) {
    return invalid_input(path.string() + ": no such file or directory, expected a data set");
  }
  const DataFormat format =
      source.format == DataFormat::automatic ? guess_format(path) : source.format;
  if (format == DataFormat::automatic || (format == DataFormat::idx && !fs::is_directory(path))) {
    return invalid_input(path.string() +
                         ": not a data set, expected a directory of IDX, CSV or LIBSVM files, or "
                         "one file named .csv, .libsvm or .svm (.gz may follow)");
  }
  if (format == DataFormat::idx) {
    auto train = load_idx(path, "train", select);
    if (!train) return std::unexpected(train.error());
    auto test = load_idx(path, "t10k", {});
    if (!test) return std::unexpected(test.error());
    return SplitDataset{std::move(*train), std::move(*test)};
  }
  auto split =
      fs::is_directory(path) ? load_text_folder(source, format) : load_text_file(source, format);
  if (!split || !select) return split;
  const auto rows = select(split->train.labels);
  if (!rows) return std::unexpected(rows.error());
  split->train = take_rows(split->train, *rows);
  return split;
}

std::unexpected<Error> wrong_shape(const DataSource& source, const std::string& what,
                                   std::size_t seen, std::size_t allowed) {
  return invalid_input(source.path.string() + ": " + std::to_string(seen) + " " + what +
                       ", expected " + std::to_string(allowed));
}

/// Makes both parts agree on classes and features, with each other and with what the run fixes.
Result<SplitDataset> match_shapes(SplitDataset split, const DataSource& source) {
  Dataset& train = split.train;
  Dataset& test = split.test;
  const std::size_t classes = std::max(train.class_count, test.class_count);
  if (source.class_count != 0 && classes > source.class_count) {
    return wrong_shape(source, "classes", classes, source.class_count);
  }
  train.class_count = test.class_count = std::max(classes, source.class_count);

  const std::size_t features = std::max(train.feature_count, test.feature_count);
  const std::size_t wanted = source.feature_count == 0 ? features : source.feature_count;
  if (features > wanted) return wrong_shape(source, "features", features, wanted);
  const bool sparse =
      source.format == DataFormat::libsvm || guess_format(source.path) == DataFormat::libsvm;
  for (Dataset* part : {&train, &test}) {
    // Only a sparse file may end early: its largest index depends on the samples it happens to
    // hold.
    if (!sparse && part->feature_count != wanted) {
      return wrong_shape(source, "features", part->feature_count, wanted);
    }
    widen_features(*part, wanted);
  }
  return split;
}

}  // namespace

Result<Bytes> read_data_file(const fs::path& path, std::size_t bytes_max) {
  auto bytes = read_file(path, bytes_max);
  if (!bytes || !is_gzip(*bytes)) return bytes;
  return gunzip(path, *bytes, bytes_max);
}

Result<SplitDataset> load_dataset(const DataSource& source, const RowSelector& select) {
  auto split = load_whole(source, select);
  if (!split) return split;
  return match_shapes(std::move(*split), source);
}

}  // namespace starling::model
