# SPDX-License-Identifier: Apache-2.0
# bpf_object(name source): compiles BPF C and makes its skeleton; gives INTERFACE library <name>_skel.
find_program(BPF_CLANG NAMES clang-19 clang REQUIRED)
find_program(LLVM_STRIP NAMES llvm-strip-19 llvm-strip REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  set(BPF_ARCH arm64)
else()
  set(BPF_ARCH x86)
endif()

set(SUBFLOOR_VMLINUX_H minimal CACHE STRING "minimal | generated | <dir with vmlinux.h>")
if(SUBFLOOR_VMLINUX_H STREQUAL "generated")
  set(VMLINUX_DIR ${PROJECT_BINARY_DIR}/vmlinux)
  file(MAKE_DIRECTORY ${VMLINUX_DIR})
  add_custom_command(OUTPUT ${VMLINUX_DIR}/vmlinux.h VERBATIM COMMAND sh -c
    "'${BPFTOOL}' btf dump file /sys/kernel/btf/vmlinux format c > '${VMLINUX_DIR}/.tmp' && mv '${VMLINUX_DIR}/.tmp' '${VMLINUX_DIR}/vmlinux.h'")
  add_custom_target(vmlinux_h DEPENDS ${VMLINUX_DIR}/vmlinux.h)
  set(VMLINUX_DEPS vmlinux_h ${VMLINUX_DIR}/vmlinux.h)  # target and file: other directories see only targets
elseif(SUBFLOOR_VMLINUX_H STREQUAL "minimal")
  set(VMLINUX_DIR ${PROJECT_SOURCE_DIR}/src/bpf/vmlinux/minimal)
else()
  set(VMLINUX_DIR ${SUBFLOOR_VMLINUX_H})
endif()

function(bpf_object name source)
  set(obj ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skel ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(OUTPUT ${obj}
    COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -g -O2 -std=gnu17 -Wall -Wextra -Wno-unused-parameter -Werror
            -D__TARGET_ARCH_${BPF_ARCH} -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.
            -I${PROJECT_SOURCE_DIR}/src -isystem ${VMLINUX_DIR}
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${obj}.d -MT ${obj} -c ${source} -o ${obj}
    COMMAND ${LLVM_STRIP} -g ${obj}  # drops DWARF, keeps BTF
    DEPENDS ${source} ${VMLINUX_DEPS} DEPFILE ${obj}.d COMMENT "BPF  ${name}" VERBATIM)
  add_custom_command(OUTPUT ${skel}  # tmp + mv: never a half-written header
    COMMAND sh -c "'${BPFTOOL}' gen skeleton '${obj}' name ${name}_bpf > '${skel}.tmp' && mv '${skel}.tmp' '${skel}'"
    DEPENDS ${obj} COMMENT "SKEL ${name}" VERBATIM)
  add_custom_target(${name}_bpf DEPENDS ${skel})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_bpf)
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(${name}_skel INTERFACE PkgConfig::LIBBPF)
endfunction()
