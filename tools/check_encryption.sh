#!/usr/bin/env bash
# Shows that the tests of what the sockets carry can fail: builds the program with encryption
# switched off and expects them to find plaintext there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

cmake -S . -B build/plaintext -G Ninja -DCMAKE_BUILD_TYPE=Release -DSTARLING_TEST_PLAINTEXT=ON >/dev/null
ninja -C build/plaintext integration
for name in NoMessageIsReadable NoParametersAreReadable; do
  if build/plaintext/tests/integration --gtest_brief=1 --gtest_filter="Encryption.$name"; then
    echo "check_encryption: Encryption.$name passes although nothing is encrypted" >&2
    exit 1
  fi
done
echo "check_encryption: both tests fail without encryption, as they must"
