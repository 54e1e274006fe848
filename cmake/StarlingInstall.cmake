# `cmake --install` puts the program, the public headers and a package config in place, so that
# find_package(starling) gives starling::node.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(STARLING_TEST_PLAINTEXT)
  install(CODE [[message(FATAL_ERROR "STARLING_TEST_PLAINTEXT is ON: a build without encryption is not installed")]])
endif()
