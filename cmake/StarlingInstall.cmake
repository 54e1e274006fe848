# `cmake --install` puts the program, the public headers, the libraries and a package config in place,
# so that find_package(starling) gives starling::starling.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

if(STARLING_TEST_PLAINTEXT)
  install(CODE [[message(FATAL_ERROR "STARLING_TEST_PLAINTEXT is ON: a build without encryption is not installed")]])
endif()

# starling_flags stays at home: an embedder's warnings are its own.
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/starling)
install(TARGETS starling RUNTIME)
install(DIRECTORY include/starling TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(TARGETS starling_include starling_crypto starling_optim starling_model starling_protocol
                starling_node_core starling_node_runtime starling_node
        EXPORT starling ARCHIVE)
install(EXPORT starling NAMESPACE starling:: DESTINATION ${package_folder} FILE starling-targets.cmake)

configure_package_config_file(cmake/starling-config.cmake.in ${CMAKE_BINARY_DIR}/starling-config.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/starling-config-version.cmake
                                 VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/starling-config.cmake ${CMAKE_BINARY_DIR}/starling-config-version.cmake
        DESTINATION ${package_folder})
