# SPDX-License-Identifier: Apache-2.0
# Executable files. To find where x86-64 functions return takes a disassembler; absent, TLS of Go programs is not read,
# and the agent says so.

find_package(zydis QUIET)
if(NOT TARGET Zydis::Zydis)
  message(STATUS "No TLS of Go programs on x86-64: it needs libzydis-dev")
endif()

# subfloor_elf(): the modules.
function(subfloor_elf)
  subfloor_module(src/elf DEPS base)
  if(TARGET Zydis::Zydis)
    subfloor_module(src/elf/zydis DEPS base LIBS Zydis::Zydis)
    target_link_libraries(elf INTERFACE elf_zydis)
  else()
    subfloor_module(src/elf/absent DEPS base)
    target_link_libraries(elf INTERFACE elf_absent)
  endif()
endfunction()

# subfloor_go_programs(elf_tests): the tests know where the programs of tests/go are, as GO_PROGRAMS, and build them
# before. They are the same for every kind of build.
function(subfloor_go_programs)
  set(directory ${PROJECT_SOURCE_DIR}/build/go)
  if(NOT TARGET go_programs)
    add_custom_target(go_programs COMMAND ${PROJECT_SOURCE_DIR}/tests/go/build ${directory} > /dev/null
                      COMMENT "Go programs for the tests" VERBATIM USES_TERMINAL)
  endif()
  foreach(target ${ARGN})
    if(TARGET ${target})
      target_compile_definitions(${target} PRIVATE GO_PROGRAMS="${directory}")
      add_dependencies(${target} go_programs)
    endif()
  endforeach()
endfunction()
