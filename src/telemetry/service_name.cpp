// SPDX-License-Identifier: Apache-2.0
#include "telemetry/service_name.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace subfloor {
namespace {

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

using Options = std::initializer_list<std::string_view>;

bool is_one_of(std::string_view text, const Options& options) {
  return std::find(options.begin(), options.end(), text) != options.end();
}

struct Interpreter {
  std::string_view name;    // the executable's name is this, perhaps with a version: python3.11
  Options takes_value;      // options whose next argument is not the script
  Options inline_code;      // options after which there is no script
  Options names_program;    // options whose next argument names the program
};

const std::array<Interpreter, 8>& interpreters() {
  static const std::array<Interpreter, 8> table{{
      {"node",
       {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file"},
       {"-e", "--eval", "-p", "--print", "-i"},
       {}},
      {"nodejs", {"-r", "--require", "--import", "--loader"}, {"-e", "--eval", "-p", "--print", "-i"}, {}},
      {"python", {"-W", "-X", "--check-hash-based-pycs"}, {"-c"}, {"-m"}},
      {"java",
       {"-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules", "--add-opens", "--add-exports",
        "--add-reads", "--upgrade-module-path", "--patch-module"},
       {},
       {"-jar", "-m", "--module"}},
      {"ruby", {"-r", "-I", "-C", "-E"}, {"-e"}, {"-S"}},
      {"php", {"-c", "-d", "-S", "-t", "-z"}, {"-r", "-B", "-R", "-E"}, {"-f"}},
      {"dotnet", {"--additionalprobingpath", "--depsfile", "--runtimeconfig", "--fx-version"}, {}, {"exec"}},
      {"perl", {"-I"}, {"-e", "-E"}, {}},
  }};
  return table;
}

bool may_start_interpreter(char c) { return c == 'n' || c == 'p' || c == 'j' || c == 'r' || c == 'd'; }

const Interpreter* interpreter_of(std::string_view executable) {
  if (executable.empty() || !may_start_interpreter(executable.front())) return nullptr;
  for (const Interpreter& interpreter : interpreters()) {
    if (executable.front() != interpreter.name.front() || !executable.starts_with(interpreter.name)) continue;
    const std::string_view version = executable.substr(interpreter.name.size());
    if (version.find_first_not_of("0123456789.") == std::string_view::npos) return &interpreter;
  }
  return nullptr;
}

// The script or program among an interpreter's arguments; empty where there is none.
std::string_view program_in(const Process& process, const Interpreter& interpreter) {
  const auto& arguments = process.arguments;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument.empty() || is_one_of(argument, interpreter.inline_code)) return {};
    if (is_one_of(argument, interpreter.names_program)) {
      return i + 1 < arguments.size() ? base_name(arguments[i + 1]) : std::string_view{};
    }
    if (is_one_of(argument, interpreter.takes_value)) {
      ++i;
    } else if (argument.front() != '-') {
      return base_name(argument);
    }
  }
  return {};
}

// The name it was called by, where that is another than its file's: Debian's redis-server is a link to
// redis-check-rdb, and every busybox applet one to busybox. A program may rewrite its arguments; the kernel's comm says
// whether this is what it was started as. Empty where it is not.
std::string_view called_name(const Process& process) {
  constexpr std::size_t longest_comm = 15;
  if (process.arguments.empty()) return {};
  const std::string_view first = process.arguments.front();
  const std::string_view name = base_name(first.substr(0, first.find(' ')));
  return !name.empty() && name.substr(0, longest_comm) == process.comm ? name : std::string_view{};
}

}  // namespace

std::string_view executable_name(const Process& process) {
  constexpr std::string_view deleted = " (deleted)";
  std::string_view path = process.executable;
  if (path.ends_with(')') && path.ends_with(deleted)) path.remove_suffix(deleted.size());
  const std::string_view name = base_name(path);
  return name.empty() ? std::string_view(process.comm) : name;
}

std::string_view service_name(const Workload& pod) {
  for (const std::string_view key : {"app.kubernetes.io/name", "app"}) {
    if (const std::string_view value = pod.label(key); !value.empty()) return value;
  }
  if (!pod.owner.name.empty()) return pod.owner.name;
  return pod.container_name.empty() ? pod.pod_name : pod.container_name;
}

std::string_view service_name(const Process& process, const Workload* workload) {
  if (!process.declared_service.empty()) return process.declared_service;
  if (workload != nullptr && !workload->container_id.empty()) {
    if (const std::string_view name = service_name(*workload); !name.empty()) return name;
  }
  const std::string_view executable = executable_name(process);
  if (const Interpreter* interpreter = interpreter_of(executable)) {
    const std::string_view program = program_in(process, *interpreter);
    if (!program.empty()) return program;
  } else if (const std::string_view called = called_name(process); !called.empty()) {
    return called;
  }
  return executable.empty() ? std::string_view("unknown") : executable;
}

}  // namespace subfloor
