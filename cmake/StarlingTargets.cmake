# One target per folder. Sources are globbed, so that a new codec, mixer or command is one new file.

function(starling_interface name)
  add_library(${name} INTERFACE)
  add_library(starling::include ALIAS ${name})
  set_target_properties(${name} PROPERTIES EXPORT_NAME include)
  target_include_directories(${name} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>)
  target_compile_features(${name} INTERFACE cxx_std_23)
endfunction()

# starling_library(NAME DIR dir [RECURSE] | FILES f... [SCHEMA file.capnp] LINKS t... [PRIVATE_LINKS t...]
#                  [HEADERS t...])
# HEADERS: packages that only .cpp files include and that need no linking; whoever links the installed library
# does without them.
function(starling_library name)
  cmake_parse_arguments(ARG "RECURSE" "DIR;SCHEMA" "FILES;LINKS;PRIVATE_LINKS;HEADERS" ${ARGN})
  if(ARG_DIR AND ARG_RECURSE)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_DIR}/*.cpp)
  elseif(ARG_DIR)
    file(GLOB sources CONFIGURE_DEPENDS ${ARG_DIR}/*.cpp)
  endif()
  list(APPEND sources ${ARG_FILES})
  set(target starling_${name})
  if(NOT sources)
    add_library(${target} INTERFACE)  # a folder that has headers only
    target_include_directories(${target} INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
    target_link_libraries(${target} INTERFACE ${ARG_LINKS})
    return()
  endif()
  add_library(${target} STATIC ${sources})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  if(ARG_SCHEMA)
    starling_capnp(${target} ${ARG_SCHEMA})
  endif()
  target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)
  list(TRANSFORM ARG_HEADERS REPLACE "(.+)" "$<BUILD_INTERFACE:\\1>")
  target_link_libraries(${target} PUBLIC ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS} ${ARG_HEADERS}
                        $<BUILD_INTERFACE:starling_flags>)
  set_property(GLOBAL APPEND PROPERTY starling_libraries ${target})
endfunction()

function(starling_program name)
  cmake_parse_arguments(ARG "" "" "FILES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_FILES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} starling_flags)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
endfunction()

# For code that asks and prints: it compiles in 60 % of the time, and what takes time at run time is elsewhere.
function(starling_compile_quickly target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # At -O1 g++ 12 takes string concatenations for writes out of bounds (GCC bug 105329).
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-restrict>)
  endif()
endfunction()

# starling_test(NAME DIR dir LINKS t...): one GoogleTest program per folder of tests.
function(starling_test name)
  cmake_parse_arguments(ARG "" "DIR;TIMEOUT" "LINKS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_DIR}/*_test.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(${name} ${sources})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest GTest::gmock GTest::gtest_main starling_flags)
  target_precompile_headers(${name} PRIVATE <gtest/gtest.h>)
  starling_compile_quickly(${name})
  # One ctest entry per program keeps start-up cheap; the program itself names the test that fails.
  add_test(NAME ${name} COMMAND ${name})
  if(ARG_TIMEOUT)
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
  endif()
endfunction()

# starling_fuzz(NAME LINKS t...): tests/fuzz/NAME.cpp with libFuzzer (clang only).
function(starling_fuzz name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  if(NOT STARLING_FUZZ OR NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cpp)
    return()
  endif()
  add_executable(fuzz_${name} ${name}.cpp)
  target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(fuzz_${name} PRIVATE ${ARG_LINKS} starling_flags)
  target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
endfunction()

# starling_bench(NAME LINKS t...): bench/micro/NAME.cpp with Google Benchmark.
function(starling_bench name)
  cmake_parse_arguments(ARG "" "" "LINKS" ${ARGN})
  if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/micro/${name}.cpp)
    return()
  endif()
  add_executable(bench_${name} micro/${name}.cpp)
  target_include_directories(bench_${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(bench_${name} PRIVATE ${ARG_LINKS} benchmark::benchmark starling_flags)
endfunction()

# Generates schema code into the build tree; its include path is private, so only wire.cpp can see it.
function(starling_capnp target schema)
  get_filename_component(folder ${schema} DIRECTORY)
  set(out ${CMAKE_BINARY_DIR}/generated/${schema})
  get_filename_component(out_folder ${out} DIRECTORY)
  file(MAKE_DIRECTORY ${out_folder})
  find_program(CAPNP capnp REQUIRED)
  add_custom_command(
    OUTPUT ${out}.c++ ${out}.h
    COMMAND ${CAPNP} compile -oc++:${CMAKE_BINARY_DIR}/generated --src-prefix=${CMAKE_SOURCE_DIR}
            ${CMAKE_SOURCE_DIR}/${schema}
    DEPENDS ${schema} VERBATIM)
  target_sources(${target} PRIVATE ${out}.c++)
  set_source_files_properties(${out}.c++ PROPERTIES
    COMPILE_OPTIONS "-w;-include;${CMAKE_SOURCE_DIR}/protocol/wire/kj_operators.h")
  target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/generated)
endfunction()

# Builds the recipes' files into a library.
function(starling_embed_recipes target folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${folder}/*.toml)
  set(out ${CMAKE_BINARY_DIR}/generated/${folder}.cpp)
  set(script ${CMAKE_SOURCE_DIR}/cmake/EmbedTexts.cmake)
  get_filename_component(out_folder ${out} DIRECTORY)
  file(MAKE_DIRECTORY ${out_folder})
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${CMAKE_SOURCE_DIR}/${folder} -DOUT=${out} -P ${script}
    DEPENDS ${files} ${script} VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
