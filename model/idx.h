#pragma once
// The IDX format of MNIST-like data sets: big-endian magic 00 00 08 R, R sizes of 32 bits, bytes.
// Source: LeCun, Cortes, Burges, "The MNIST database", section "file formats".

#include "model/dataset.h"

namespace starling::model {

/// images: magic 0x803, n x rows x columns pixels of 8 bits, scaled to [0, 1]. labels: magic 0x801,
/// n bytes. select: empty keeps all rows.
/// Error: invalid_input naming the file: magic, sizes, truncation, trailing bytes, no sample.
[[nodiscard]] Result<Dataset> decode_idx(const NamedBytes& images, const NamedBytes& labels,
                                         const RowSelector& select = {},
                                         const DataLimits& limits = {});

}  // namespace starling::model
