# SPDX-License-Identifier: Apache-2.0
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
set(libs PkgConfig::NGHTTP2)
