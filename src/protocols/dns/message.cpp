// SPDX-License-Identifier: Apache-2.0
#include "protocols/dns/message.h"

#include <algorithm>
#include <optional>

namespace subfloor::protocols::dns {
namespace {

constexpr std::uint16_t type_a = 1, type_ns = 2, type_cname = 5, type_soa = 6, type_ptr = 12, type_mx = 15,
                        type_aaaa = 28, type_srv = 33, type_opt = 41, type_svcb = 64, type_https = 65;
constexpr std::uint16_t class_in = 1;
constexpr std::size_t longest_name = 255;  // in a message, lengths and end included

std::uint8_t byte_at(std::string_view bytes, std::size_t at) { return static_cast<std::uint8_t>(bytes[at]); }

std::optional<std::uint16_t> u16_at(std::string_view bytes, std::size_t at) {
  if (at + 2 > bytes.size()) return std::nullopt;
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) { return (hash ^ value) * 0x100000001b3ULL; }

// One label as master files write it.
void append_label(std::string& name, std::string_view label) {
  for (const char c : label) {
    if (name.size() + 4 > name_limit) return;
    const auto code = static_cast<std::uint8_t>(c);
    if (c == '.' || c == '\\') {
      name += '\\';
      name += c;
    } else if (code <= 0x20 || code >= 0x7f) {
      name += '\\';
      name += static_cast<char>('0' + code / 100);
      name += static_cast<char>('0' + code / 10 % 10);
      name += static_cast<char>('0' + code % 10);
    } else {
      name += lower(c);
    }
  }
}

// A name at `at`, which then is where it ended. Pointers lead to what stands before the label they replace, each
// further back than the one before it: so there is no loop.
Parse parse_name(std::string_view bytes, std::size_t& at, std::string& name, std::uint64_t* hash = nullptr) {
  std::size_t here = at, start = at, size = 1;
  bool jumped = false;
  name.clear();
  for (;;) {
    if (here >= bytes.size()) return Parse::cut;
    const std::uint8_t length = byte_at(bytes, here);
    if ((length & 0xc0U) == 0xc0U) {
      const auto pointer = u16_at(bytes, here);
      if (!pointer) return Parse::cut;
      const std::size_t target = *pointer & 0x3fffU;
      if (target < header_size || target >= start) return Parse::bad;
      if (!jumped) at = here + 2;
      jumped = true;
      here = start = target;
      continue;
    }
    if (length > 63) return Parse::bad;
    ++here;
    if (length == 0) break;
    if (here + length > bytes.size()) return Parse::cut;
    size += length + 1U;
    if (size > longest_name) return Parse::bad;
    const std::string_view label = bytes.substr(here, length);
    if (!name.empty() && name.size() < name_limit) name += '.';
    append_label(name, label);
    if (hash != nullptr) {
      *hash = mix(*hash, length);
      for (const char c : label) *hash = mix(*hash, static_cast<std::uint8_t>(lower(c)));
    }
    here += length;
  }
  if (!jumped) at = here;
  if (name.empty()) name = ".";
  return Parse::complete;
}

// One resource record; `data` is where its data begins.
struct Record {
  std::string owner;
  std::uint16_t type = 0, type_class = 0, length = 0;
  std::uint32_t ttl = 0;
  std::size_t data = 0;
};

Parse parse_record(std::string_view bytes, std::size_t& at, Record& record) {
  if (const Parse name = parse_name(bytes, at, record.owner); name != Parse::complete) return name;
  if (at + 10 > bytes.size()) return Parse::cut;
  record.type = *u16_at(bytes, at);
  record.type_class = *u16_at(bytes, at + 2);
  record.ttl = std::uint32_t{*u16_at(bytes, at + 4)} << 16U | *u16_at(bytes, at + 6);
  record.length = *u16_at(bytes, at + 8);
  record.data = at + 10;
  if (record.data + record.length > bytes.size()) return Parse::cut;
  at = record.data + record.length;
  return Parse::complete;
}

std::optional<std::array<std::uint8_t, 16>> address_of(std::string_view bytes, const Record& record) {
  std::array<std::uint8_t, 16> ip{};
  if (record.type_class != class_in) return std::nullopt;
  if (record.type == type_a && record.length == 4) {
    ip[10] = ip[11] = 0xff;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(record.data), 4, ip.begin() + 12);
    return ip;
  }
  if (record.type != type_aaaa || record.length != 16) return std::nullopt;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(record.data), 16, ip.begin());
  return ip;
}

// Where in the data of a record of this type a name begins, and which numbers stand before it; nothing where it has
// none, or more than a name: the texts of TXT are nobody's business.
std::optional<std::size_t> name_offset(std::uint16_t type) {
  switch (type) {
    case type_ns:
    case type_cname:
    case type_soa:
    case type_ptr: return 0;
    case type_mx:
    case type_svcb:
    case type_https: return 2;
    case type_srv: return 6;
    default: return std::nullopt;
  }
}

std::string text_of(std::string_view bytes, const Record& record) {
  if (const auto ip = address_of(bytes, record)) return Address{.ip = *ip}.ip_text();
  const auto offset = name_offset(record.type);
  if (!offset || record.length < *offset) return {};
  std::string text, name;
  for (std::size_t i = 0; i < *offset; i += 2) text += std::to_string(*u16_at(bytes, record.data + i)) + " ";
  std::size_t at = record.data + *offset;
  if (parse_name(bytes, at, name) != Parse::complete || at > record.data + record.length) return {};
  return text + name;
}

void append_answer(std::string& all, const std::string& one) {
  if (one.empty() || all.size() + 1 + one.size() > answers_limit) return;
  if (!all.empty()) all += ',';
  all += one;
}

// Follows the aliases: `current` is the name whose address is sought.
void resolve(std::string_view bytes, const Record& record, const Question& question, std::string& current,
             std::vector<Resolution>& resolutions) {
  if (record.owner != current) return;
  if (record.type == type_cname) {
    std::size_t at = record.data;
    std::string next;
    if (parse_name(bytes, at, next) == Parse::complete) current = std::move(next);
  } else if (const auto ip = address_of(bytes, record); ip && resolutions.size() < resolutions_limit) {
    resolutions.push_back({.name = question.name, .ip = *ip, .ttl = record.ttl});
  }
}

bool is_class(std::uint16_t type_class) {
  return type_class == 1 || type_class == 3 || type_class == 4 || type_class == 254 || type_class == 255;
}

bool flags_make_sense(const Header& header) {
  if ((header.flags & 0x0040U) != 0 || header.counts[0] != 1) return false;  // a bit that nobody uses
  if (header.is_response()) return header.opcode() == 0 || header.opcode() == 4 || header.opcode() == 5;
  const bool only_asks = (header.flags & 0x068fU) == 0 && header.counts[1] == 0 && header.counts[2] <= 1;
  return header.opcode() == 0 && only_asks && header.counts[3] <= 4;
}

}  // namespace

Parse parse_header(std::string_view bytes, Header& header) {
  if (bytes.size() < header_size) return Parse::cut;
  header.id = *u16_at(bytes, 0);
  header.flags = *u16_at(bytes, 2);
  for (std::size_t i = 0; i < header.counts.size(); ++i) header.counts[i] = *u16_at(bytes, 4 + 2 * i);
  return Parse::complete;
}

Parse parse_question(std::string_view bytes, std::size_t& at, Question& question) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  if (const Parse name = parse_name(bytes, at, question.name, &hash); name != Parse::complete) return name;
  const auto type = u16_at(bytes, at), type_class = u16_at(bytes, at + 2);
  if (!type || !type_class) return Parse::cut;
  question.type = *type;
  question.type_class = *type_class;
  question.hash = mix(mix(hash, *type), *type_class);
  at += 4;
  return Parse::complete;
}

Parse looks_like_message(std::string_view bytes) {
  Header header;
  if (parse_header(bytes, header) != Parse::complete) {
    // What is missing may be right: as much as is there has to be.
    std::string padded(bytes);
    constexpr std::string_view plain("\0\0\0\0\0\1\0\0\0\0\0\0", header_size);
    padded += plain.substr(bytes.size());
    (void)parse_header(padded, header);
    return flags_make_sense(header) ? Parse::cut : Parse::bad;
  }
  if (!flags_make_sense(header)) return Parse::bad;
  Question question;
  std::size_t at = header_size;
  const Parse parse = parse_question(bytes, at, question);
  if (parse == Parse::complete && (!is_class(question.type_class) || question.type == 0)) return Parse::bad;
  return parse;
}

void parse_answers(std::string_view bytes, std::size_t at, const Header& header, const Question& question,
                   Answers& answers) {
  answers.text.clear();
  answers.resolutions.clear();
  answers.rcode = header.rcode();
  std::string current = question.name;
  Record record;
  for (std::size_t section = 1; section < header.counts.size(); ++section) {
    for (unsigned i = 0; i < header.counts[section]; ++i) {
      if (parse_record(bytes, at, record) != Parse::complete) return;
      if (section == 1) {
        append_answer(answers.text, text_of(bytes, record));
        resolve(bytes, record, question, current, answers.resolutions);
      } else if (section == 3 && record.type == type_opt) {
        answers.rcode |= static_cast<int>(record.ttl >> 24U) << 4U;
      }
    }
  }
}

}  // namespace subfloor::protocols::dns
