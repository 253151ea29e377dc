// SPDX-License-Identifier: Apache-2.0
#include "exporters/json/json_lines.h"

#include "exporters/json/json.h"

namespace subfloor::json {

Result<std::unique_ptr<JsonLinesExporter>> JsonLinesExporter::make(const std::string& path, std::size_t buffer_limit) {
  TRY_ASSIGN(std::unique_ptr<LineWriter> writer, LineWriter::make(path, "spans", buffer_limit));
  return std::unique_ptr<JsonLinesExporter>(new JsonLinesExporter(std::move(writer)));
}

void JsonLinesExporter::on_span(const Span& span) {
  writer_->add([&](std::string& out) { append_json(out, span); });
}

}  // namespace subfloor::json
