// SPDX-License-Identifier: Apache-2.0
// What the rest of Subfloor sees of this folder: its descriptor.
#include "protocols/kafka/kafka.h"

#include <memory>

#include "protocols/kafka/recognition.h"
#include "protocols/kafka/session.h"

namespace subfloor::protocols {
namespace {

std::unique_ptr<Session> open(const Options& options) { return std::make_unique<kafka::KafkaSession>(options); }

}  // namespace

const Descriptor kafka_descriptor{
    .protocol = &kafka::protocol, .recognise = kafka::recognise, .open = open, .deep = true};

}  // namespace subfloor::protocols
