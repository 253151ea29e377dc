# SPDX-License-Identifier: Apache-2.0
set(deps sql)
set(libs ZLIB::ZLIB)
