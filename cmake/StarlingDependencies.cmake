# Debian 12 packages only; `./dev setup` installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)
find_package(ZLIB REQUIRED)
# Not find_package(CapnProto): its config in Debian 12 looks for a libatomic that g++ does not need here.
pkg_check_modules(capnp REQUIRED IMPORTED_TARGET capnp)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(miniupnpc REQUIRED IMPORTED_TARGET miniupnpc)
find_path(natpmp_folder natpmp.h REQUIRED)  # libnatpmp ships no description of itself
pkg_check_modules(qrencode REQUIRED IMPORTED_TARGET libqrencode)

# Both are header-only in Debian and ship no CMake target of their own.
add_library(starling_asio INTERFACE)
# Asio 1.22 finds aligned_alloc only where a standard header came first, so that two files of one program
# could allocate and free a handler differently: off everywhere.
target_compile_definitions(starling_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED ASIO_DISABLE_STD_ALIGNED_ALLOC)
if(STARLING_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ warns that its thread sanitizer does not see fences; Asio has them beside mutexes, which it sees.
  target_compile_options(starling_asio INTERFACE -Wno-tsan)
endif()
add_library(starling_tomlpp INTERFACE)
target_compile_definitions(starling_tomlpp INTERFACE TOML_EXCEPTIONS=0)

if(STARLING_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
if(STARLING_BUILD_BENCH)
  find_package(benchmark REQUIRED)
endif()
