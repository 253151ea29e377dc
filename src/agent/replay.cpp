// SPDX-License-Identifier: Apache-2.0
#include "agent/replay.h"

#include "agent/replay_capture.h"
#include "agent/replay_recording.h"
#include "capture/capture_file.h"
#include "recording/reader.h"

namespace subfloor::agent {
namespace {

constexpr std::size_t magic_bytes = 8;

}  // namespace

Result<std::unique_ptr<Replay>> Replay::open(const Config& config, const std::string& path) {
  TRY_ASSIGN(std::unique_ptr<InputFile> file, InputFile::open(path));
  const auto first = file->peek(magic_bytes);
  if (!first) return Failure(first.error().in(file->name()));
  if (capture::CaptureFile::recognise(*first)) {
    TRY_ASSIGN(auto capture, capture::CaptureFile::open(std::move(file)));
    return std::make_unique<CaptureReplay>(config, std::move(capture));
  }
  if (recording::Reader::recognise(*first)) {
    TRY_ASSIGN(auto reader, recording::Reader::open(std::move(file)));
    return RecordingReplay::make(config, std::move(reader));
  }
  return fail(fmt::format("{}: {}", file->name(),
                          first->empty() ? "the file is empty" : "this is neither pcap nor pcapng, nor a recording"));
}

}  // namespace subfloor::agent
