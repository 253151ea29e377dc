// SPDX-License-Identifier: Apache-2.0
// OTLP over HTTP/1.1 or 2, binary protobuf, by libcurl. One connection, kept open.
#include <curl/curl.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>

#include "exporters/otlp/wire/files.h"
#include "exporters/otlp/wire/transports.h"

namespace subfloor::otlp {
namespace {

constexpr std::size_t longest_answer = std::size_t{4} << 20;  // bytes; what comes beyond ends the request
constexpr Nanoseconds ms = 1'000'000;
constexpr long too_many_requests = 429;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

Result<std::string> gzipped(const std::string& data) {
  z_stream stream{};
  constexpr int with_gzip_header = MAX_WBITS + 16;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, with_gzip_header, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail("out of memory");
  std::string out(deflateBound(&stream, data.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int end = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (end != Z_STREAM_END) return fail("cannot be compressed");
  return out;
}

class HttpTransport final : public Transport {
 public:
  HttpTransport(Signal signal, Target target) : signal_(signal), target_(std::move(target)) {}

  Result<> prepare(const std::string& user_agent);
  Reply send(const std::string& request) override;
  void limit(Nanoseconds instant) override { limit_ = instant; }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    if (const CURLcode code = curl_easy_setopt(easy_.get(), option, value); code != CURLE_OK) refused_ = code;
  }
  void set_tls();
  Result<> add_header(const std::string& line);
  static std::size_t on_answer(char* data, std::size_t size, std::size_t count, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t);
  [[nodiscard]] Reply failure(CURLcode code) const;
  [[nodiscard]] Reply verdict() const;

  const Signal signal_;
  const Target target_;
  std::atomic<Nanoseconds> limit_{std::numeric_limits<Nanoseconds>::max()};
  std::unique_ptr<CURL, EasyDeleter> easy_;
  std::unique_ptr<curl_slist, ListDeleter> headers_;
  CURLcode refused_ = CURLE_OK;
  std::array<char, CURL_ERROR_SIZE> words_{};
  std::string answer_;
};

Result<> HttpTransport::add_header(const std::string& line) {
  curl_slist* const longer = curl_slist_append(headers_.get(), line.c_str());
  if (longer == nullptr) return fail("out of memory");
  [[maybe_unused]] curl_slist* const same = headers_.release();
  headers_.reset(longer);
  return {};
}

void HttpTransport::set_tls() {
  if (!target_.ca.empty()) {
    set(CURLOPT_CAINFO, target_.ca.c_str());
    set(CURLOPT_CAPATH, nullptr);
    set(CURLOPT_CA_CACHE_TIMEOUT, 0L);  // certificates are replaced while the agent runs
  }
  if (!target_.certificate.empty()) {
    set(CURLOPT_SSLCERT, target_.certificate.c_str());
    set(CURLOPT_SSLKEY, target_.key.c_str());
  }
}

Result<> HttpTransport::prepare(const std::string& user_agent) {
  easy_.reset(curl_easy_init());
  if (!easy_) return fail("libcurl cannot be used");
  TRY(add_header("Content-Type: application/x-protobuf"));
  TRY(add_header("Expect:"));  // no pause before a large request
  if (target_.gzip) TRY(add_header("Content-Encoding: gzip"));
  // "name;" is how libcurl takes a header without a value.
  for (const auto& [name, value] : target_.headers) TRY(add_header(value.empty() ? name + ";" : name + ": " + value));
  set(CURLOPT_URL, target_.address.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);  // headers may hold secrets that are for this server alone
  set(CURLOPT_POST, 1L);
  set(CURLOPT_HTTPHEADER, headers_.get());
  set(CURLOPT_USERAGENT, user_agent.c_str());
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, words_.data());
  set(CURLOPT_WRITEFUNCTION, &HttpTransport::on_answer);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &HttpTransport::on_progress);
  set(CURLOPT_XFERINFODATA, this);
  if (target_.tls) set_tls();
  if (refused_ != CURLE_OK) return fail(curl_easy_strerror(refused_));
  return {};
}

std::size_t HttpTransport::on_answer(char* data, std::size_t size, std::size_t count, void* self) {
  auto& answer = static_cast<HttpTransport*>(self)->answer_;
  const std::size_t bytes = size * count;
  if (answer.size() + bytes > longest_answer) return CURL_WRITEFUNC_ERROR;
  answer.append(data, bytes);
  return bytes;
}

int HttpTransport::on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return monotonic_now() > static_cast<const HttpTransport*>(self)->limit_ ? 1 : 0;
}

Reply HttpTransport::send(const std::string& request) {
  Reply reply;
  const Nanoseconds now = monotonic_now(), limit = limit_;
  if (now >= limit) return {.kind = Reply::Kind::retry, .message = "no time left"};
  const std::string* body = &request;
  Result<std::string> small;
  if (target_.gzip) {
    small = gzipped(request);
    if (!small) return {.kind = Reply::Kind::refused, .message = small.error().message};
    body = &*small;
  }
  const Nanoseconds patience = std::min(target_.timeout, limit - now);
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
  set(CURLOPT_POSTFIELDS, body->data());
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<Nanoseconds>(patience / ms, 1)));
  answer_.clear();
  words_[0] = '\0';
  const CURLcode code = curl_easy_perform(easy_.get());
  set(CURLOPT_POSTFIELDS, nullptr);
  return code == CURLE_OK ? verdict() : failure(code);
}

// No answer came: whatever the cause, the server may be better later.
Reply HttpTransport::failure(CURLcode code) const {
  const char* const words = words_[0] != '\0' ? words_.data() : curl_easy_strerror(code);
  // An answer without end will not be shorter next time.
  const auto kind = code == CURLE_WRITE_ERROR ? Reply::Kind::refused : Reply::Kind::retry;
  return {.kind = kind, .message = words};
}

Reply HttpTransport::verdict() const {
  long status = 0;
  curl_off_t wait = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &wait);
  Reply reply;
  if (status >= 200 && status < 300) {
    read_response(signal_, answer_, reply);
    return reply;
  }
  const bool passing = status == too_many_requests || status == 502 || status == 503 || status == 504;
  reply.kind = passing ? Reply::Kind::retry : Reply::Kind::refused;
  if (passing && wait > 0) {
    constexpr curl_off_t longest = 1'000'000'000;  // seconds; a sender has a limit of its own, far below
    reply.wait = static_cast<Nanoseconds>(std::min(wait, longest)) * 1000 * ms;
  }
  const Status words = read_status(answer_);
  reply.message = fmt::format("HTTP {}{}{}", status, words.message.empty() ? "" : ": ", words.message);
  return reply;
}

}  // namespace

Result<std::unique_ptr<Transport>> make_http_transport(Signal signal, const Target& target,
                                                       const std::string& user_agent) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) return fail(std::string("libcurl: ") + curl_easy_strerror(ready));
  TRY(check_readable(target));
  auto transport = std::make_unique<HttpTransport>(signal, target);
  TRY(transport->prepare(user_agent));
  return transport;
}

}  // namespace subfloor::otlp
