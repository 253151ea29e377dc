// SPDX-License-Identifier: Apache-2.0
#include "sensors/tls/attacher.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <link.h>

#include <cerrno>
#include <utility>

namespace subfloor::sensors::tls {
namespace {

constexpr int every_process = -1;

[[gnu::noinline]] void own_function() { asm volatile(""); }

}  // namespace

void Attacher::prepare(bpf_program* program) const {
  if (how_ == How::multi) bpf_program__set_expected_attach_type(program, BPF_TRACE_UPROBE_MULTI);
}

Result<std::vector<bpf::Link>> Attacher::attach(bpf_program* program, const Places& places) const {
  const std::string path = fmt::format("/proc/self/fd/{}", places.file);
  const std::string name = bpf_program__name(program);
  std::vector<bpf::Link> links;
  if (how_ == How::multi) {
    const std::vector<unsigned long> offsets(places.offsets.begin(), places.offsets.end());
    const std::vector<std::uint64_t> cookies(offsets.size(), places.cookie);
    LIBBPF_OPTS(bpf_uprobe_multi_opts, options);
    options.offsets = offsets.data();
    options.cookies = reinterpret_cast<const __u64*>(cookies.data());
    options.cnt = offsets.size();
    options.retprobe = places.at_return;
    TRY_ASSIGN(bpf::Link link,
               bpf::Link::own(bpf_program__attach_uprobe_multi(program, every_process, path.c_str(), nullptr, &options),
                              name));
    links.push_back(std::move(link));
    return links;
  }
  for (const std::uint64_t offset : places.offsets) {
    LIBBPF_OPTS(bpf_uprobe_opts, options);
    options.retprobe = places.at_return;
    options.bpf_cookie = places.cookie;
    TRY_ASSIGN(
        bpf::Link link,
        bpf::Link::own(bpf_program__attach_uprobe_opts(program, every_process, path.c_str(), offset, &options), name));
    links.push_back(std::move(link));
  }
  return links;
}

Result<OwnFunction> find_own_function() {
  OwnFunction own;
  // The first of the loaded objects is the program itself.
  dl_iterate_phdr(
      [](dl_phdr_info* program, std::size_t, void* found) {
        const std::uint64_t address = reinterpret_cast<std::uintptr_t>(&own_function) - program->dlpi_addr;
        for (const ElfW(Phdr) & segment : std::span(program->dlpi_phdr, program->dlpi_phnum)) {
          if (segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz)
            *static_cast<std::uint64_t*>(found) = address - segment.p_vaddr + segment.p_offset;
        }
        return 1;
      },
      &own.offset);
  own.file = Fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (!own.file || own.offset == 0) return fail_errno("find a function of this program", errno);
  return own;
}

}  // namespace subfloor::sensors::tls
