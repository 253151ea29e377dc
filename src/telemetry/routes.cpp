// SPDX-License-Identifier: Apache-2.0
#include "telemetry/routes.h"

#include <algorithm>
#include <span>

#include "telemetry/hashing.h"
#include "telemetry/route_segment.h"
#include "telemetry/trace_context.h"

namespace subfloor {
namespace {

constexpr std::size_t known_paths = 4096;                // a power of two
constexpr std::size_t fewest_words = 4, most_words = 32; // at one place of a path, before it becomes {param}
constexpr std::uint64_t kept_share = 16, kept_calls = 64;  // a word stays with one in so many calls, and at least so many
constexpr std::string_view param = "{param}", rest = "{rest}";

// Does the answer show that there is such a route?
bool teaches(const Call& call) {
  constexpr std::array<int, 4> unknown{400, 404, 405, 414};
  return call.status && std::find(unknown.begin(), unknown.end(), *call.status) == unknown.end();
}

}  // namespace

struct Routes::Template {
  std::string text;
  std::uint64_t calls = 0;
};

struct Routes::Node {
  struct Child {
    std::string name;
    bool word = false;
    std::unique_ptr<Node> node;
  };
  std::vector<Child> children;
  std::size_t words = 0;   // of the children
  bool collapsed = false;  // words that are no children are {param}
  Template* end = nullptr;

  [[nodiscard]] Node* child(std::string_view name) const {
    for (const Child& candidate : children)
      if (candidate.name == name) return candidate.node.get();
    return nullptr;
  }
  Node& add(std::string_view name, bool word) {
    children.push_back({std::string(name), word, std::make_unique<Node>()});
    words += word ? 1 : 0;
    return *children.back().node;
  }
  // Calls and templates from here on.
  void count(std::uint64_t& calls, std::uint64_t& templates) const {
    if (end != nullptr) {
      calls += end->calls;
      ++templates;
    }
    for (const Child& one : children) one.node->count(calls, templates);
  }
};

struct Routes::Service {
  Node root;
  std::deque<Template> templates;  // never fewer: their texts were given away
};

// A path's segments as a template has them.
struct Routes::Pieces {
  struct Piece {
    std::array<char, longest_word + 8> text{};
    std::size_t size = 0;
    bool word = false;
    [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
  };

  explicit Pieces(std::string_view path) {
    bool more = path.size() > longest_path;
    path = path.substr(0, longest_path);
    std::size_t length = 0;
    while (!path.empty()) {
      path.remove_prefix(1);  // '/'
      const std::string_view segment = path.substr(0, path.find('/'));
      path.remove_prefix(segment.size());
      if (segment.empty()) continue;
      const RouteSegment looks = classify_segment(segment);
      // Any word may become {param}.
      length += 1 + std::max(looks.text.size() + looks.extension.size(), param.size());
      if (count_ == deepest || length + 1 + rest.size() > longest_route || (more && path.empty())) {
        more = true;
        break;
      }
      add(looks);
    }
    if (more) add({rest});
  }

  [[nodiscard]] std::span<const Piece> all() const { return {pieces_.data(), count_}; }

 private:
  void add(const RouteSegment& segment) {
    Piece& piece = pieces_[count_++];
    piece.size = segment.text.copy(piece.text.data(), segment.text.size());
    piece.size += segment.extension.copy(piece.text.data() + piece.size, segment.extension.size());
    piece.word = segment.word;
  }
  std::array<Piece, deepest + 1> pieces_;
  std::size_t count_ = 0;
};

std::size_t Routes::Hash::operator()(std::string_view text) const noexcept {
  FieldHash hash(seed);
  hash.add(text);
  return hash.value();
}

Routes::Routes(const RouteOptions& options)
    : options_(options), seed_(IdGenerator().next()), services_(0, Hash{seed_}), known_(known_paths) {}

Routes::~Routes() = default;

std::string_view Routes::of(std::string_view service, const Call& call) {
  const std::string_view path = call.path;
  if (path.empty() || path.front() != '/') return {};
  FieldHash hash(seed_);
  hash.add(service);
  hash.add(path.substr(0, longest_path));
  hash.add(path.size() > longest_path ? 1 : 0);
  const std::uint64_t value = hash.value();
  Known& known = known_[value % known_paths];
  if (known.hash != value || known.generation != generation_) {
    Template* const route = look_up(service, path, teaches(call));
    if (route == nullptr) return {};
    known = {value, generation_, route};
  }
  ++known.route->calls;
  return known.route->text;
}

Routes::Template* Routes::look_up(std::string_view service, std::string_view path, bool learns) {
  auto found = services_.find(service);
  if (found == services_.end()) {
    if (!learns) return nullptr;
    if (services_.size() >= options_.max_services) {
      ++counters_.refused;
      return nullptr;
    }
    found = services_.emplace(std::string(service), std::make_unique<Service>()).first;
    ++counters_.services;
  }
  const Pieces pieces(path);
  Template* const route = find(*found->second, pieces);
  return route == nullptr && learns ? learn(*found->second, pieces) : route;
}

Routes::Template* Routes::find(const Service& service, const Pieces& pieces) {
  const Node* node = &service.root;
  for (const Pieces::Piece& piece : pieces.all()) {
    const Node* next = node->child(piece.view());
    if (next == nullptr && piece.word && node->collapsed) next = node->child(param);
    if (next == nullptr) return nullptr;
    node = next;
  }
  return node->end;
}

Routes::Template* Routes::learn(Service& service, const Pieces& pieces) {
  const std::size_t room = options_.max_routes - std::min(options_.max_routes, service.templates.size());
  if (room == 0) {
    ++counters_.refused;
    return nullptr;
  }
  // The less room there is, the fewer words make a value.
  const std::size_t limit = std::clamp(room / 2, fewest_words, most_words);
  Node* node = &service.root;
  std::string text;
  for (const Pieces::Piece& piece : pieces.all()) {
    std::string_view name = piece.view();
    Node* next = node->child(name);
    if (next == nullptr && piece.word && !node->collapsed && node->words >= limit) collapse(*node);
    if (next == nullptr && piece.word && node->collapsed) {
      name = param;
      next = node->child(name);
    }
    node = next != nullptr ? next : &node->add(name, piece.word && name != param);
    text.append("/").append(name);
  }
  if (node->end != nullptr) return node->end;  // what a collapse led to
  service.templates.push_back({text.empty() ? "/" : std::move(text)});
  ++counters_.routes;
  return node->end = &service.templates.back();
}

void Routes::collapse(Node& node) {
  std::uint64_t total = 0, routes = 0;
  for (const Node::Child& child : node.children) child.node->count(total, routes);
  std::erase_if(node.children, [&](const Node::Child& child) {
    std::uint64_t calls = 0, templates = 0;
    child.node->count(calls, templates);
    if (!child.word || calls >= std::max(kept_calls, total / kept_share)) return false;
    counters_.merged += templates;
    counters_.routes -= templates;
    return true;
  });
  node.words = static_cast<std::size_t>(std::count_if(node.children.begin(), node.children.end(),
                                                      [](const Node::Child& child) { return child.word; }));
  node.collapsed = true;
  ++generation_;
}

}  // namespace subfloor
