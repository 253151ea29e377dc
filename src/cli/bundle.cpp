// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle.h"

#include <bpf/libbpf.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "agent/config.h"
#include "base/clock.h"
#include "bpf/libbpf_log.h"
#include "cli/doctor.h"
#include "cli/print.h"
#include "cli/status_view.h"
#include "exporters/api/client.h"

namespace subfloor::cli {
namespace {

constexpr std::size_t longest_line = 4096;
constexpr const char* readme =
    "Made by `subfloor doctor --bundle` for a report of something that does not work.\n\n"
    "It says what this kernel can do, what the agent does, costs and lost, and how it is configured. It holds no\n"
    "captured traffic, no header values, no environment, no command lines and no list of processes. Secrets of the\n"
    "configuration are masked. Have a look before you send it.\n";

// The first kilobytes of a file of the kernel's; "" where it cannot be read.
std::string read_text(const std::string& path, std::size_t limit = 65536) {
  std::ifstream file(path, std::ios::binary);
  std::string text(limit, '\0');
  file.read(text.data(), static_cast<std::streamsize>(limit));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string lines_matching(const std::string& path, const char* pattern) {
  const std::regex wanted(pattern);
  std::ifstream file(path);
  std::string out;
  for (std::string line; std::getline(file, line);)
    if (line.size() < longest_line && std::regex_search(line, wanted)) out += line + "\n";
  return out;
}

std::string section(const std::string& title, const std::string& text) {
  return fmt::format("== {}\n{}{}\n", title, text.empty() ? "(cannot be read)\n" : text,
                     text.empty() || text.back() == '\n' ? "" : "\n");
}

std::string versions() {
  utsname name{};
  uname(&name);
  return fmt::format("subfloor {}\nlibbpf {}\nLinux {} {} {}\n\n", SUBFLOOR_VERSION, libbpf_version_string(),
                     name.release, name.version, name.machine) +
         section("/etc/os-release", lines_matching("/etc/os-release", "^(NAME|VERSION|ID|VERSION_ID)="));
}

std::string kernel() {
  utsname name{};
  uname(&name);
  std::string out;
  std::error_code error;
  const auto btf = std::filesystem::file_size("/sys/kernel/btf/vmlinux", error);
  out += section("BTF", error ? "" : fmt::format("/sys/kernel/btf/vmlinux: {} bytes\n", btf));
  for (const char* path :
       {"/proc/sys/kernel/unprivileged_bpf_disabled", "/proc/sys/net/core/bpf_jit_enable",
        "/proc/sys/net/core/bpf_jit_harden", "/proc/sys/kernel/perf_event_paranoid", "/proc/sys/kernel/kptr_restrict",
        "/proc/sys/kernel/yama/ptrace_scope", "/proc/sys/kernel/ftrace_enabled", "/sys/kernel/security/lockdown",
        "/sys/kernel/security/lsm"})
    out += section(path, read_text(path));
  const std::string config = fmt::format("/boot/config-{}", name.release);
  out += section(config, lines_matching(config,
                                        "BPF|BTF|FTRACE|KPROBE|UPROBE|FPROBE|TRACEPOINT|PERF_EVENTS|"
                                        "CGROUPS=|SECURITY_LOCKDOWN|CONFIG_LSM="));
  return out;
}

// Capabilities, cgroup and limits of a process, and what is mounted that matters.
std::string privileges(const std::string& pid) {
  const std::string folder = "/proc/" + pid;
  return section(folder + "/status",
                 lines_matching(folder + "/status", "^(Uid|Gid|NoNewPrivs|Seccomp|Cap\\w+|VmRSS|VmLck|Threads):")) +
         section(folder + "/cgroup", read_text(folder + "/cgroup")) +
         section(folder + "/limits", lines_matching(folder + "/limits", "Limit|locked memory|open files")) +
         section(folder + "/mountinfo", lines_matching(folder + "/mountinfo",
                                                       " - (cgroup2?|bpf|tracefs|debugfs|proc|"
                                                       "sysfs|securityfs) "));
}

std::string pretty(const Result<nlohmann::json>& answer) {
  if (!answer) return answer.error().message + "\n";
  return answer->dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<nlohmann::json> ask(const std::string& socket, const std::string& question) {
  if (socket.empty()) return fail("the configuration turns the agent's socket off (api.socket)");
  TRY_ASSIGN(ApiClient client, ApiClient::connect(socket));
  return client.ask(question);
}

void add_agent(std::vector<BundleFile>& files, const std::string& config_path) {
  std::string mistakes;
  const Result<agent::Config> config = agent::load_config_leniently(config_path, mistakes);
  const std::string socket = config ? config->api.socket : agent::Config().api.socket;
  const auto status = ask(socket, "status");
  files.push_back({"status.json", pretty(status)});
  files.push_back({"log.txt", ""});
  if (const auto log = ask(socket, "log"); log && log->contains("log")) {
    for (const nlohmann::json& line : (*log)["log"])
      if (line.is_string()) files.back().content += line.get<std::string>();
  }
  std::string text = section("the file, as it is now",
                             !config ? config.error().message + "\n" : mistakes + agent::dump_config(*config, true));
  if (const auto running = ask(socket, "config"); running && running->contains("config"))
    text += section("in force in the agent", (*running)["config"].get<std::string>());
  files.push_back({"config.txt", text});
  std::string held = privileges("self");
  if (status && status->contains("pid") && (*status)["pid"].is_number_unsigned())
    held += privileges(std::to_string((*status)["pid"].get<std::uint64_t>()));
  files.push_back({"privileges.txt", held});
}

std::string stamp() {
  std::string time = rfc3339(to_unix(monotonic_now())).substr(0, 19);
  std::erase_if(time, [](char c) { return c == '-' || c == ':'; });
  return time + "Z";
}

}  // namespace

std::string scrub(std::string_view text) {
  static const std::regex url(R"(://[^/\s@"']+@)");
  static const std::regex named(
      R"re(((?:authorization|bearer|basic|cookie|token|passw(?:or)?d|passphrase|secret|credential|api[-_]?key)\w*"?\s*[=: ]\s*)(?:(?:bearer|basic)\s+)?("[^"]*"|'[^']*'|[^\s,;"'\\]+))re",
      std::regex::icase);
  std::string clean;
  for (std::size_t at = 0; at < text.size();) {  // by lines: a regular expression recurses
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, std::min(end - at, longest_line));
    clean += std::regex_replace(std::regex_replace(std::string(line), url, "://[redacted]@"), named, "$1[redacted]");
    if (end < text.size()) clean += '\n';
    at = end + 1;
  }
  return clean;
}

Exit doctor_bundle(const std::string& path, const std::string& config) {
  const std::string name = "subfloor-bundle-" + stamp();
  const std::string file = path.empty() ? name + ".tar.gz" : path;
  const Diagnosis diagnosis = diagnose(sensors::all_sensors());
  std::vector<BundleFile> files{{"README.txt", readme},
                                {"versions.txt", versions()},
                                {"doctor.txt", to_table(diagnosis, {})},
                                {"doctor.json", to_json(diagnosis) + "\n"},
                                {"refusals.txt", bpf::kept_refusals()},
                                {"kernel.txt", kernel()}};
  add_agent(files, config);
  for (BundleFile& one : files) one.content = scrub(one.content);
  if (const auto written = write_archive(file, name, files); !written)
    return complain(Exit::failed, written.error().message);
  return print(
      fmt::format("{}\nIt is for a bug report, and meant to hold nothing secret: look before you send it.\n", file));
}

}  // namespace subfloor::cli
