# `cmake --install` puts the program, the public headers and a package config in place, so that
# find_package(starling) gives starling::node.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
