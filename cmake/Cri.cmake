# SPDX-License-Identifier: Apache-2.0
# Names of containers and pods, by Kubernetes' Container Runtime Interface, where gRPC and protobuf are there. Absent, the
# feature is off, and status says so. After Otlp.cmake, which looks for both.

find_program(PROTOC protoc)

# subfloor_cri(): the modules.
function(subfloor_cri)
  subfloor_module(src/identity/containers DEPS model)
  if(NOT (PROTOC AND PROTOBUF_FOUND AND GRPC_FOUND))
    message(STATUS "No names of containers: it needs protobuf-compiler, libprotobuf-dev and libgrpc++-dev")
    subfloor_module(src/identity/containers/absent DEPS identity_containers)
    target_link_libraries(identity_containers INTERFACE identity_containers_absent)
    return()
  endif()
  set(folder ${PROJECT_SOURCE_DIR}/src/identity/containers/wire)
  set(out ${PROJECT_BINARY_DIR}/cri)
  file(MAKE_DIRECTORY ${out})
  add_custom_command(OUTPUT ${out}/cri.pb.cc ${out}/cri.pb.h DEPENDS ${folder}/cri.proto
                     COMMAND ${PROTOC} --proto_path=${folder} --cpp_out=${out} cri.proto VERBATIM)
  add_library(cri_proto STATIC ${out}/cri.pb.cc)
  target_include_directories(cri_proto SYSTEM PUBLIC ${out})
  target_link_libraries(cri_proto PUBLIC PkgConfig::PROTOBUF)
  target_compile_options(cri_proto PRIVATE -w)  # it is not ours to warn about
  if(SUBFLOOR_SANITIZE)
    target_compile_options(cri_proto PRIVATE -fsanitize=${SUBFLOOR_SANITIZE} -fno-omit-frame-pointer)
  endif()
  subfloor_module(src/identity/containers/wire DEPS identity_containers LIBS cri_proto PkgConfig::GRPC)
  target_link_libraries(identity_containers INTERFACE identity_containers_wire)
endfunction()
