// SPDX-License-Identifier: Apache-2.0
#include "cli/viewer.h"

#include <unistd.h>

#include <utility>

namespace subfloor::cli {
namespace {

constexpr std::size_t queue_bytes = std::size_t{16} << 20;
constexpr Nanoseconds patience = 500'000'000;

}  // namespace

Viewer::Viewer(Reactor& reactor, const Options& options) : reactor_(reactor), options_(options), lines_(options.json) {}

Result<std::unique_ptr<Viewer>> Viewer::make(Reactor& reactor, const Options& options) {
  std::unique_ptr<Viewer> viewer(new Viewer(reactor, options));
  const auto on_end = [v = viewer.get()](int error) {
    v->reactor_.post([v, error] {
      v->error_ = error;
      v->reactor_.stop();
    });
  };
  TRY_ASSIGN(viewer->output_, Output::make(STDOUT_FILENO, queue_bytes, on_end));
  viewer->resize();
  return viewer;
}

void Viewer::resize() {
  line_.clear();
  lines_.begin(line_);
  if (!line_.empty()) output_->write(line_);
}

void Viewer::on_call(std::string_view json) {
  if (finishing_) return;
  line_.clear();
  if (!lines_.append(line_, json)) return;
  ++shown_;
  output_->write(line_);
  if (options_.limit != 0 && shown_ >= options_.limit) {
    options_.before_end = nullptr;
    finish();
  }
}

void Viewer::finish() {
  if (finishing_) return;
  if (const auto before_end = std::exchange(options_.before_end, nullptr)) before_end();
  if (std::exchange(finishing_, true)) return;  // the limit may just have been reached
  output_->finish();
}

void Viewer::interrupt() {
  const bool again = std::exchange(interrupted_, true);
  finish();
  if (again || !reactor_.every(patience, [this] { reactor_.stop(); })) reactor_.stop();
}

}  // namespace subfloor::cli
