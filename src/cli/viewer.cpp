// SPDX-License-Identifier: Apache-2.0
#include "cli/viewer.h"

#include <unistd.h>

#include <utility>

#include "base/log.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t queue_bytes = std::size_t{16} << 20;
constexpr Nanoseconds patience = 500'000'000;

}  // namespace

Viewer::Viewer(Reactor& reactor, const Options& options) : reactor_(reactor), options_(options) {}

Result<std::unique_ptr<Viewer>> Viewer::make(Reactor& reactor, const Options& options) {
  std::unique_ptr<Viewer> viewer(new Viewer(reactor, options));
  const auto on_end = [v = viewer.get()](int error) {
    v->reactor_.post([v, error] {
      v->error_ = error;
      v->reactor_.stop();
    });
  };
  TRY_ASSIGN(viewer->output_, Output::make(STDOUT_FILENO, queue_bytes, on_end));
  if (!options.json) viewer->resize();
  return viewer;
}

void Viewer::resize() {
  if (options_.json) return;
  table_.emplace(look_of(STDOUT_FILENO));
  output_->write(table_->header());
}

void Viewer::on_call(std::string_view json) {
  if (finishing_) return;
  line_.clear();
  if (options_.json) {
    line_.append(json).push_back('\n');
  } else if (const auto row = parse_row(json)) {
    line_ = table_->row(*row);
  } else {
    LOG_WARN("a call could not be read: {} bytes", json.size());
    return;
  }
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
