// SPDX-License-Identifier: Apache-2.0
// Text that must not outlive its use in memory, where a core file would show it: captured content that has to be kept
// until more of it comes.
#pragma once

#include <cstring>
#include <memory>
#include <string>

namespace subfloor {

// Overwrites what it gives back.
template <class T>
struct WipingAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = WipingAllocator<U>;
  };
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) {}

  void deallocate(T* memory, std::size_t n) {
    explicit_bzero(static_cast<void*>(memory), n * sizeof(T));
    std::allocator<T>::deallocate(memory, n);
  }
};

// Its memory is overwritten when it grows out of it or is destroyed. What clear() and erase() leave behind in it is
// not: wipe() does that. Up to 15 bytes lie in the object itself, whose end overwrites nothing.
using SecretString = std::basic_string<char, std::char_traits<char>, WipingAllocator<char>>;

// Empties it, and keeps its capacity.
template <class Text>
void wipe(Text& text) {
  if (text.empty()) return;
  explicit_bzero(text.data(), text.size());
  text.clear();
}

// Removes the first n bytes.
inline void wipe_front(SecretString& text, std::size_t n) {
  const std::size_t rest = text.size() - n;
  std::memmove(text.data(), text.data() + n, rest);
  explicit_bzero(text.data() + rest, n);
  text.resize(rest);
}

}  // namespace subfloor
