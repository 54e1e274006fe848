#pragma once
// Data sets in text: CSV and LIBSVM. Lines end in LF or CRLF; empty lines are skipped.

#include "model/dataset.h"

namespace starling::model {

enum class LabelColumn { first, last };

/// Comma-separated numbers, one sample a line; a first line that is not all numbers is a header.
/// Labels are whole numbers from 0. class_count is the largest label + 1.
/// Error: invalid_input naming file and line: not a number, NaN, infinity, other column count,
/// label out of range, no sample.
[[nodiscard]] Result<Dataset> parse_csv(const NamedBytes& file, LabelColumn label,
                                        const DataLimits& limits = {});

/// "label index:value index:value ...", indices from 1 and rising; made dense, with the largest
/// index as feature_count. The label -1 of two-class files counts as 0.
/// Source: the README of LIBSVM (Chang and Lin). Errors as parse_csv.
[[nodiscard]] Result<Dataset> parse_libsvm(const NamedBytes& file, const DataLimits& limits = {});

}  // namespace starling::model
