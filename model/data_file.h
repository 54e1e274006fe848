#pragma once
// Finds and reads data sets on disk.

#include <filesystem>
#include <string>

#include "model/dataset.h"
#include "model/text_data.h"

namespace starling::model {

enum class DataFormat { automatic, idx, csv, libsvm };

/// Where a data set lies.
/// A directory holds {train,t10k}-{images-idx3,labels-idx1}-ubyte (MNIST, and Debian's
/// dataset-fashion-mnist), or train.csv and test.csv, or train.libsvm and test.libsvm. A single
/// file (.csv, .libsvm, .svm) is cut by hold_out_tenth(). Any file may be gzipped, with .gz added.
struct DataSource {
  std::filesystem::path path = {};
  DataFormat format = DataFormat::automatic;  ///< automatic: by the names found.
  LabelColumn label_column = LabelColumn::first;
  /// What the run fixes, so that nodes whose own file shows fewer agree on the model; 0: as found.
  std::size_t feature_count = 0;
  std::size_t class_count = 0;
};

/// The whole file, decompressed if it begins as gzip does.
/// Error: invalid_input if it is missing, a broken gzip, or larger than `bytes_max`.
[[nodiscard]] Result<Bytes> read_data_file(const std::filesystem::path& path,
                                           std::size_t bytes_max = std::size_t{4} << 30U);

/// select: applied to the training samples only; empty keeps all.
/// Error: invalid_input naming the path, the value seen and the one allowed.
[[nodiscard]] Result<SplitDataset> load_dataset(const DataSource& source,
                                                const RowSelector& select = {});

}  // namespace starling::model
