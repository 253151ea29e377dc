// SPDX-License-Identifier: Apache-2.0
#include "protocols/http2/header_reader.h"

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <new>

#include "base/secret.h"
#include "model/http.h"

namespace subfloor::protocols::http2 {
namespace {

constexpr std::size_t usual_table = 4096;        // SETTINGS_HEADER_TABLE_SIZE unless a peer asked for another
constexpr std::size_t largest_table = 64 * 1024; // followed; browsers ask for this much
constexpr std::size_t smallest_entry = 32;
constexpr int failures_limit = 8;

const std::uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const std::uint8_t*>(text.data()); }
std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

std::optional<int> number_of(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || text.size() > 9 || text.front() == '-' || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

void HeaderBlock::clear() {
  for (std::string* text : {&method, &path, &authority, &protocol}) wipe(*text);
  has_method = has_request_fields = has_protocol = grpc = has_content_type = cut = uncertain = lost = false;
  status.reset();
  grpc_status.reset();
  fields.clear();
  bytes = 0;
}

void HeaderReader::Deleter::operator()(nghttp2_hd_inflater* inflater) const { nghttp2_hd_inflate_del(inflater); }

HeaderReader::HeaderReader(bool table_known) : table_known_(table_known) {}
HeaderReader::~HeaderReader() = default;

void HeaderReader::make_inflater() {
  nghttp2_hd_inflater* made = nullptr;
  if (nghttp2_hd_inflate_new2(&made, memory_.allocator()) != 0) throw std::bad_alloc();  // as any other allocation that fails
  inflater_.reset(made);
  // An encoder may use less than it is allowed, and says how much: what its peer allowed need not be known.
  nghttp2_hd_inflate_change_table_size(made, largest_table);
  if (!table_known_) fill_with_placeholders();
}

// Literals with empty name and value, which no field of HTTP/2 has, as if the encoder had inserted them.
void HeaderReader::fill_with_placeholders() {
  constexpr std::string_view widened("\x3f\xe1\xff\x03", 4);  // the table's size becomes 65536
  constexpr std::string_view placeholder("\x40\x00\x00", 3);
  const std::size_t count = (wide_ ? largest_table : usual_table) / smallest_entry;
  std::string synthetic;
  synthetic.reserve(widened.size() + count * placeholder.size());
  if (wide_) synthetic.append(widened);
  for (std::size_t i = 0; i < count; ++i) synthetic.append(placeholder);
  for (std::string_view rest = synthetic;;) {
    nghttp2_nv field{};
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, bytes_of(rest), rest.size(), 1);
    if (used < 0 || (flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    rest.remove_prefix(static_cast<std::size_t>(used));
  }
  nghttp2_hd_inflate_end_headers(inflater_.get());
}

void HeaderReader::begin() {
  block_.clear();
  broken_ = false;
  if (!inflater_) make_inflater();
}

void HeaderReader::take(std::string_view bytes, const HeaderPlan& plan) {
  while (!broken_ && !bytes.empty()) {
    nghttp2_nv field{};
    int flags = 0;
    const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, bytes_of(bytes), bytes.size(), 0);
    if (used < 0) return fail();
    bytes.remove_prefix(static_cast<std::size_t>(used));
    if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
      take_field(text_of(field.name, field.namelen), text_of(field.value, field.valuelen), plan);
    } else if (used == 0) {
      return fail();
    }
  }
}

void HeaderReader::end() {
  if (broken_) return;
  nghttp2_nv field{};
  int flags = 0;
  const auto used = nghttp2_hd_inflate_hd2(inflater_.get(), &field, &flags, nullptr, 0, 1);
  if (used < 0 || (flags & NGHTTP2_HD_INFLATE_FINAL) == 0) return fail();
  nghttp2_hd_inflate_end_headers(inflater_.get());
}

void HeaderReader::forget() {
  inflater_.reset();
  table_known_ = false;
  broken_ = true;
  block_.uncertain = block_.lost = true;
}

// An index beyond the table is no surprise where that was guessed to have the usual size.
void HeaderReader::fail() {
  ++failures_;
  if (!table_known_) wide_ = true;
  const bool lost = block_.lost;
  forget();
  block_.lost = lost;
}

bool HeaderReader::hopeless() const { return failures_ > failures_limit; }

std::size_t HeaderReader::table_size() const {
  return inflater_ ? nghttp2_hd_inflate_get_dynamic_table_size(inflater_.get()) : 0;
}

void HeaderReader::take_field(std::string_view name, std::string_view value, const HeaderPlan& plan) {
  if (name.empty()) {
    block_.uncertain = true;
    return;
  }
  if (name.front() == ':') return take_pseudo(name, value);
  if (name == "content-type") {
    block_.has_content_type = true;
    block_.grpc = value.starts_with("application/grpc") && !value.starts_with("application/grpc-web");
  } else if (name == "grpc-status") {
    block_.grpc_status = number_of(value);
  }
  block_.bytes += name.size() + value.size() + 4;
  if (block_.bytes > plan.limit) {
    block_.cut = true;
    return;
  }
  if (plan.keep_all || is_context_field(name) || (plan.forwarding && is_forwarding_field(name)))
    block_.fields.add(name, value);
}

void HeaderReader::take_pseudo(std::string_view name, std::string_view value) {
  if (name == ":status") {
    const std::optional<int> status = number_of(value);
    if (status && *status >= 100 && *status <= 999) block_.status = status;
    return;
  }
  std::string* const into = name == ":method"      ? &block_.method
                            : name == ":path"      ? &block_.path
                            : name == ":authority" ? &block_.authority
                            : name == ":protocol"  ? &block_.protocol
                                                   : nullptr;
  block_.has_method = block_.has_method || name == ":method";
  block_.has_protocol = block_.has_protocol || name == ":protocol";
  block_.has_request_fields = block_.has_request_fields || into != nullptr || name == ":scheme";
  if (into == nullptr) return;
  if (value.size() > pseudo_limit) {
    block_.cut = true;
  } else {
    into->assign(value);
  }
}

}  // namespace subfloor::protocols::http2
