// SPDX-License-Identifier: Apache-2.0
// A certificate authority of a test's own, with a server for 127.0.0.1 and a client. Made by openssl, gone at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace subfloor::testing {

class Certificates {
 public:
  Certificates() {
    std::string name = (std::filesystem::temp_directory_path() / "subfloor_certificates_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no directory for certificates");
    directory_ = name;
    run("req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=test-ca -keyout ca.key -out "
        "ca.pem");
    issue("server", "-addext subjectAltName=IP:127.0.0.1,DNS:localhost");
    issue("client", "");
  }
  ~Certificates() { std::filesystem::remove_all(directory_); }
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // "ca.pem", "server.pem", "server.key", "client.pem", "client.key"
  [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }

 private:
  void run(const std::string& arguments) const {
    const std::string command = "cd " + directory_.string() + " && openssl " + arguments + " >>log 2>&1";
    if (std::system(command.c_str()) != 0) throw std::runtime_error("openssl failed: " + command);
  }
  void issue(const std::string& name, const std::string& more) const {
    run("req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=" + name + " " + more + " -keyout " + name +
        ".key -out " + name + ".csr");
    run("x509 -req -in " + name + ".csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -copy_extensions copy -out " +
        name + ".pem");
  }

  std::filesystem::path directory_;
};

}  // namespace subfloor::testing
