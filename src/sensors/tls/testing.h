// SPDX-License-Identifier: Apache-2.0
// The sensor on one way of attaching, by its name: what its kernel tests have in common.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "bpf/features.h"
#include "sensors/sensor.h"

namespace subfloor::sensors {

extern const Descriptor tls_descriptor;

class TlsSensorTest : public ::testing::TestWithParam<std::string> {
 protected:
  // What the sensor tells; lives as long as the test.
  virtual Events& events() = 0;

  void SetUp() override {
    settings_.rung = GetParam();
    auto rings = bpf::Rings::make(1 << 16, 1 << 20);
    ASSERT_TRUE(rings) << rings.error().message;
    rings_ = std::make_unique<bpf::Rings>(std::move(*rings));
    bpf::LadderReport report;
    auto sensor = tls_descriptor.open({*rings_, events(), settings_, 3}, report);
    if (!sensor && GetParam() == "uprobe.multi") {
      for (const bpf::Feature& feature : bpf::probe_features())
        if (feature.name == "uprobe.multi" && feature.state == bpf::State::no) GTEST_SKIP() << "no uprobe.multi";
    }
    ASSERT_TRUE(sensor) << sensor.error().message;
    sensor_ = std::move(*sensor);
    auto reader = bpf::RingReader::make(
        *rings_,
        [this](const record_header& header, std::span<const std::byte> record) { sensor_->handle(header, record); });
    ASSERT_TRUE(reader) << reader.error().message;
    reader_ = std::move(*reader);
  }

  std::unique_ptr<Sensor> sensor_;
  std::unique_ptr<bpf::RingReader> reader_;

 private:
  Settings settings_;
  std::unique_ptr<bpf::Rings> rings_;
};

inline std::string name_of_rung(const ::testing::TestParamInfo<std::string>& instance) {
  return instance.param == "uprobe" ? "Uprobe" : "UprobeMulti";
}

}  // namespace subfloor::sensors
