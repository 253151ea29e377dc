# SPDX-License-Identifier: Apache-2.0
# Folder → target. A folder's *.cpp make a library; *_test.cpp its unit tests, *_kernel_test.cpp its tests that need root
# and BPF, *_fuzz.cpp its fuzz targets, *_bench.cpp its benchmarks, *.bpf.c its BPF objects.

# subfloor_module(src/protocols/http1 DEPS base model LIBS fmt::fmt)
function(subfloor_module folder)
  cmake_parse_arguments(M "" "" "DEPS;LIBS" ${ARGN})
  string(REGEX REPLACE "^src/" "" short ${folder})
  string(REPLACE "/" "_" target ${short})
  set(dir ${PROJECT_SOURCE_DIR}/${folder})
  file(GLOB all CONFIGURE_DEPENDS ${dir}/*.cpp)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cpp$")
  list(APPEND M_LIBS subfloor_options)

  add_library(${target} STATIC ${sources} ${PROJECT_SOURCE_DIR}/cmake/empty.cpp)
  target_link_libraries(${target} PUBLIC ${M_DEPS} ${M_LIBS})

  file(GLOB objects CONFIGURE_DEPENDS ${dir}/*.bpf.c)
  foreach(object ${objects})
    get_filename_component(name ${object} NAME)
    string(REPLACE ".bpf.c" "" name ${name})
    bpf_object(${name} ${object})
    target_link_libraries(${target} PRIVATE ${name}_skel)
  endforeach()

  subfloor_tests(${target} "${all}" "_kernel_test" kernel)
  set(unit ${all})
  list(FILTER unit EXCLUDE REGEX "_kernel_test\\.cpp$")
  subfloor_tests(${target} "${unit}" "_test" unit)

  foreach(source ${all})
    get_filename_component(name ${source} NAME_WE)
    if(name MATCHES "_fuzz$" AND SUBFLOOR_FUZZ)
      add_executable(${name} ${source})
      target_link_libraries(${name} PRIVATE ${target} -fsanitize=fuzzer)
    elseif(name MATCHES "_bench$" AND SUBFLOOR_BENCH)
      add_executable(${name} ${source})
      target_link_libraries(${name} PRIVATE ${target} benchmark::benchmark benchmark::benchmark_main)
    endif()
  endforeach()
endfunction()

# One test program per folder and kind, known to ctest by label.
function(subfloor_tests target sources suffix label)
  list(FILTER sources INCLUDE REGEX "${suffix}\\.cpp$")
  if(NOT sources OR NOT SUBFLOOR_TESTS)
    return()
  endif()
  set(program ${target}${suffix}s)
  add_executable(${program} ${sources})
  target_link_libraries(${program} PRIVATE ${target} GTest::gmock GTest::gtest_main)
  if(NOT TARGET ${label}_tests)  # all of one kind
    add_custom_target(${label}_tests)
  endif()
  add_dependencies(${label}_tests ${program})
  if(label STREQUAL "kernel")
    set(properties LABELS kernel RUN_SERIAL TRUE TIMEOUT 120)
  else()
    set(properties LABELS ${label} TIMEOUT 120)
  endif()
  gtest_discover_tests(${program} DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
endfunction()

# subfloor_table(protocols protocols/session.h subfloor::protocols all_protocols): every folder below src/<category>,
# with its <folder>_descriptor, as a library
# <category>_table. The arguments behind are modules that each folder depends on.
function(subfloor_table category header namespace function)
  set(externs "")
  set(entries "")
  set(targets "")
  file(GLOB folders CONFIGURE_DEPENDS LIST_DIRECTORIES true RELATIVE ${PROJECT_SOURCE_DIR}/src/${category}
       ${PROJECT_SOURCE_DIR}/src/${category}/*)
  foreach(folder ${folders})
    if(IS_DIRECTORY ${PROJECT_SOURCE_DIR}/src/${category}/${folder})
      string(APPEND externs "extern const Descriptor ${folder}_descriptor;\n")
      string(APPEND entries "      &${folder}_descriptor,\n")
      list(APPEND targets ${category}_${folder})
      set(deps "")
      set(libs "")  # a folder's module.cmake may find libraries and name them, and our own modules, here
      include(${PROJECT_SOURCE_DIR}/src/${category}/${folder}/module.cmake OPTIONAL)
      subfloor_module(src/${category}/${folder} DEPS ${ARGN} ${deps} LIBS ${libs})
    endif()
  endforeach()
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/${category}_table.cpp CONTENT
"// Generated from the folders of src/${category}.
#include \"${header}\"

namespace ${namespace} {

${externs}
std::span<const Descriptor* const> ${function}() {
  static constexpr const Descriptor* table[] = {
${entries}  };
  return table;
}

}  // namespace ${namespace}
")
  add_library(${category}_table STATIC ${PROJECT_BINARY_DIR}/${category}_table.cpp)
  target_link_libraries(${category}_table PUBLIC ${targets})
endfunction()

# The digest of each sensor's record formats, comments and white space aside: sensors::record_format().
function(subfloor_record_formats target)
  set(common ${PROJECT_SOURCE_DIR}/src/bpf/abi/record.h)
  file(GLOB headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/sensors/*/*_abi.h)
  set(entries "")
  foreach(header ${headers})
    get_filename_component(folder ${header} DIRECTORY)
    get_filename_component(sensor ${folder} NAME)
    set(text "")
    foreach(part ${common} ${header})
      file(READ ${part} content)
      string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" " " content "${content}")
      string(REGEX REPLACE "[ \t\r\n]+" " " content "${content}")
      string(APPEND text "${content}")
    endforeach()
    string(SHA256 digest "${text}")
    string(SUBSTRING ${digest} 0 16 digest)
    string(APPEND entries "  if (sensor == \"${sensor}\") return \"${digest}\";\n")
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${common} ${headers})
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/record_formats.cpp CONTENT
"// Generated from the *_abi.h of src/sensors.
#include \"sensors/sensor.h\"

std::string_view subfloor::sensors::record_format(std::string_view sensor) {
${entries}  return {};
}
")
  target_sources(${target} PRIVATE ${PROJECT_BINARY_DIR}/record_formats.cpp)
endfunction()
