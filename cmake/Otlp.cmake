# SPDX-License-Identifier: Apache-2.0
# OpenTelemetry's protocol, where its packages are there. Absent, the feature is off, and the agent says so to whoever
# configures it. SUBFLOOR_OTLP_TARGET: the folder that is built, src/exporters/otlp/wire or …/absent, as a target.

find_path(OTEL_PROTO_DIR opentelemetry/proto/trace/v1/trace.pb.cc)
pkg_check_modules(PROTOBUF IMPORTED_TARGET protobuf)
pkg_check_modules(GRPC IMPORTED_TARGET grpc++)
pkg_check_modules(CURL IMPORTED_TARGET libcurl>=7.85)
find_package(ZLIB)

if(OTEL_PROTO_DIR AND PROTOBUF_FOUND AND GRPC_FOUND AND CURL_FOUND AND ZLIB_FOUND)
  set(SUBFLOOR_OTLP ON)
  # The package brings generated code and no library. It is not ours to warn about.
  set(messages common/v1/common resource/v1/resource trace/v1/trace metrics/v1/metrics
      collector/trace/v1/trace_service collector/metrics/v1/metrics_service)
  set(services collector/trace/v1/trace_service collector/metrics/v1/metrics_service)
  list(TRANSFORM messages REPLACE "(.+)" "${OTEL_PROTO_DIR}/opentelemetry/proto/\\1.pb.cc")
  list(TRANSFORM services REPLACE "(.+)" "${OTEL_PROTO_DIR}/opentelemetry/proto/\\1.grpc.pb.cc")
  add_library(otel_proto STATIC ${messages})
  target_include_directories(otel_proto SYSTEM PUBLIC ${OTEL_PROTO_DIR})
  target_link_libraries(otel_proto PUBLIC PkgConfig::PROTOBUF)
  target_compile_options(otel_proto PRIVATE -w)
  if(SUBFLOOR_SANITIZE)
    target_compile_options(otel_proto PRIVATE -fsanitize=${SUBFLOOR_SANITIZE} -fno-omit-frame-pointer)
  endif()
  add_library(otel_services STATIC EXCLUDE_FROM_ALL ${services})
  target_link_libraries(otel_services PUBLIC otel_proto PkgConfig::GRPC)
  target_compile_options(otel_services PRIVATE -w)
else()
  set(SUBFLOOR_OTLP OFF)
  message(STATUS "No OTLP export: it needs libopentelemetry-proto-dev, libgrpc++-dev, libprotobuf-dev and "
                 "libcurl4-openssl-dev")
endif()

# subfloor_otlp(): the modules.
function(subfloor_otlp)
  subfloor_module(src/exporters/otlp DEPS telemetry)
  if(SUBFLOOR_OTLP)
    subfloor_module(src/exporters/otlp/wire DEPS exporters_otlp
                    LIBS otel_proto PkgConfig::GRPC PkgConfig::CURL ZLIB::ZLIB)
    if(SUBFLOOR_TESTS)
      add_library(otlp_receiver_support STATIC ${PROJECT_SOURCE_DIR}/tests/support/otlp_receiver.cpp)
      target_link_libraries(otlp_receiver_support PUBLIC subfloor_options otel_services PkgConfig::HTTPLIB)
      target_link_libraries(exporters_otlp_wire_tests PRIVATE otlp_receiver_support)
      add_executable(otlp_receiver ${PROJECT_SOURCE_DIR}/tests/support/otlp_receiver_main.cpp)
      target_link_libraries(otlp_receiver PRIVATE otlp_receiver_support CLI11::CLI11 nlohmann_json::nlohmann_json)
      add_executable(grpc_talk ${PROJECT_SOURCE_DIR}/tests/support/grpc_talk.cpp)
      target_link_libraries(grpc_talk PRIVATE subfloor_options PkgConfig::GRPC)
    endif()
    target_link_libraries(exporters_otlp INTERFACE exporters_otlp_wire)
  else()
    subfloor_module(src/exporters/otlp/absent DEPS exporters_otlp)
    target_link_libraries(exporters_otlp INTERFACE exporters_otlp_absent)
  endif()
endfunction()
